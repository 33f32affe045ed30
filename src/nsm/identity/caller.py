"""Who calls on a unix socket, as far as the kernel vouches for it."""

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from nsm.errors import Denied
from nsm.nouns import replace
from nsm.sdk.files import Inode
from nsm.waiting import readable

MAX_EXE = 512 * 1024 * 1024
"""Bytes; a larger executable is known by its inode, not by what it holds."""
MAX_CGROUPS = 65536


@dataclass(frozen=True, slots=True)
class Caller:
    """A process; what could not be seen of it (another pid namespace, no privilege) is None.

    `started` is in clock ticks since boot: with it a pid names one process only. `cgroups` are its
    paths (one with cgroup v2, one for each hierarchy with v1) as this process sees them, `sha256`
    what its executable holds, where somebody had it looked at (`hashed`).
    """

    pid: int
    uid: int
    gid: int
    started: int | None = None
    netns: Inode | None = None
    exe: Inode | None = None
    cgroups: tuple[str, ...] = ()
    sha256: str | None = None

    @classmethod
    def of(cls, pid: int, uid: int, gid: int, pidfd: int | None = None) -> Self:
        """Look at a process; Denied when it is gone, so that another may have its pid by now."""
        if pid <= 0:
            return cls(pid, uid, gid)
        started = _started(pid)
        netns, exe = _inode(pid, "ns/net"), _inode(pid, "exe")
        caller = cls(pid, uid, gid, started, netns, exe, _cgroups(pid))
        if started is None or started != _started(pid) or _ended(pidfd):
            raise Denied(f"process {pid} ended before it could be looked at")
        return caller

    def hashed(self) -> Self:
        """The same, with what its executable holds; blocks on the disk: call it from a thread."""
        try:
            with open(f"/proc/{self.pid}/exe", "rb", buffering=0) as file:
                about = os.fstat(file.fileno())
                if Inode(about.st_dev, about.st_ino) != self.exe or about.st_size > MAX_EXE:
                    return self
                digest = hashlib.file_digest(file, "sha256")
        except OSError:
            return self
        return replace(self, sha256=digest.hexdigest())


def _started(pid: int) -> int | None:
    """Field 22 of proc_pid_stat(5), counted behind the name, which may hold anything."""
    with suppress(OSError, ValueError, IndexError), open(f"/proc/{pid}/stat", "rb") as file:
        return int(file.read(4096).rpartition(b")")[2].split()[19])
    return None


def _cgroups(pid: int) -> tuple[str, ...]:
    """The paths of cgroups(7), `/proc/pid/cgroup`; what is deleted is not what it was."""
    with suppress(OSError), open(f"/proc/{pid}/cgroup", "rb") as file:
        lines = file.read(MAX_CGROUPS).decode(errors="replace").splitlines()
        paths = (line.split(":", 2)[2] for line in lines if line.count(":") >= 2)
        return tuple(dict.fromkeys(path for path in paths if not path.endswith(" (deleted)")))
    return ()


def _inode(pid: int, what: str) -> Inode | None:
    return inode(f"/proc/{pid}/{what}")


def inode(path: str) -> Inode | None:
    """What a file is known by, whatever it is called; None if it cannot be reached."""
    with suppress(OSError, ValueError):
        found = os.stat(path)
        return Inode(found.st_dev, found.st_ino)
    return None


def _ended(pidfd: int | None) -> bool:
    return pidfd is not None and readable(pidfd, 0)
