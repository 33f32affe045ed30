"""Who calls on a unix socket, as far as the kernel vouches for it."""

import os
import select
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from nsm.errors import Denied
from nsm.sdk.files import Inode


@dataclass(frozen=True, slots=True)
class Caller:
    """A process; what could not be seen of it (another pid namespace, no privilege) is None.

    `started` is in clock ticks since boot: with it a pid names one process only.
    """

    pid: int
    uid: int
    gid: int
    started: int | None = None
    netns: Inode | None = None
    exe: Inode | None = None

    @classmethod
    def of(cls, pid: int, uid: int, gid: int, pidfd: int | None = None) -> Self:
        """Look at a process; Denied when it is gone, so that another may have its pid by now."""
        if pid <= 0:
            return cls(pid, uid, gid)
        started = _started(pid)
        caller = cls(pid, uid, gid, started, _inode(pid, "ns/net"), _inode(pid, "exe"))
        if started is None or started != _started(pid) or _ended(pidfd):
            raise Denied(f"process {pid} ended before it could be looked at")
        return caller


def _started(pid: int) -> int | None:
    """Field 22 of proc_pid_stat(5), counted behind the name, which may hold anything."""
    with suppress(OSError, ValueError, IndexError), open(f"/proc/{pid}/stat", "rb") as file:
        return int(file.read(4096).rpartition(b")")[2].split()[19])
    return None


def _inode(pid: int, what: str) -> Inode | None:
    return inode(f"/proc/{pid}/{what}")


def inode(path: str) -> Inode | None:
    """What a file is known by, whatever it is called; None if it cannot be reached."""
    with suppress(OSError, ValueError):
        found = os.stat(path)
        return Inode(found.st_dev, found.st_ino)
    return None


def _ended(pidfd: int | None) -> bool:
    if pidfd is None:
        return False
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(0))
