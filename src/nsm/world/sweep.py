"""Leaves nothing of a mesh: no process, mount, namespace or file, whoever is still there."""

import logging
import os
import shutil
import signal
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from nsm.errors import NsmError
from nsm.waiting import readable
from nsm.world import procfs
from nsm.world.ground import Home
from nsm.world.mark import Mark
from nsm.world.procfs import Key
from nsm.world.syscalls import unmount

log = logging.getLogger(__name__)
ROUNDS = 20
"""A process that forks faster than we look is met again in the next round."""


def sweep(home: Home, spared: int | None = None) -> None:
    """Remove all of it, but the process `spared` and those it descends from. Twice is no error."""
    namespaces = keys_of(home.netns.iterdir()) if home.netns.is_dir() else frozenset[Key]()
    end_all(namespaces, Mark.of(home), spared)
    for _ in range(ROUNDS):
        if not (there := mounts_under(home.root)):
            break
        for target in reversed(there):
            with suppress(OSError):  # another sweep was faster
                unmount(target)
    shutil.rmtree(home.root, ignore_errors=True)
    if home.root.exists():
        left = ", ".join(str(path) for path in sorted(home.root.rglob("*"))[:5])
        raise NsmError(f"could not remove {home.root}: {left}", fix="`nsm down` again")
    with suppress(OSError):  # other meshes live there
        home.base.rmdir()


def keys_of(paths: Iterable[Path]) -> frozenset[Key]:
    """What the namespaces behind some files are known by."""
    own = {procfs.namespace(1), procfs.namespace(os.getpid())}
    return frozenset(key for path in paths if (key := procfs.key(path)) and key not in own)


def end_all(namespaces: frozenset[Key], mark: Mark | None, spared: int | None = None) -> None:
    """Kill everything that stands in one of these namespaces or bears the mark of a mesh."""
    ours = procfs.ancestors(os.getpid()) | (procfs.ancestors(spared) if spared else frozenset())
    found: list[int] = []
    for _ in range(ROUNDS):
        found = [p for p in procfs.pids() if p not in ours and _belongs(p, namespaces, mark)]
        if not found:
            return
        end(found)
    fix = "see what they wait for in /proc/<pid>/stack"
    raise NsmError(f"processes {found} do not end", fix=fix)


def _belongs(pid: int, namespaces: frozenset[Key], mark: Mark | None) -> bool:
    if not procfs.alive(pid, procfs.began(pid)):
        return False
    if procfs.namespace(pid) in namespaces:
        return True
    return mark is not None and mark.is_on(pid)


def end(pids: Iterable[int], within: float = 2.0) -> None:
    """Kill processes and wait for them. A descriptor can't be of the successor of what it was."""
    open_ones = []
    for pid in pids:
        with suppress(ProcessLookupError):
            fd = os.pidfd_open(pid)
            open_ones.append(fd)
            signal.pidfd_send_signal(fd, signal.SIGKILL)
    for fd in open_ones:
        readable(fd, within)
        os.close(fd)


def mounts_under(root: Path) -> list[str]:
    """Every mount below a folder, in the order they were made."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    targets = [_plain(line.split()[4]) for line in lines]
    return [target for target in targets if target.startswith(f"{root}/")]


def _plain(target: str) -> str:
    """A mount point as a path: blanks are written in octal."""
    return target.encode().decode("unicode_escape").encode("latin-1").decode("utf-8", "replace")
