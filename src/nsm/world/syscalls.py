"""The few system calls about mounts, namespaces and parentage that Python has no name for."""

import ctypes
import os
from pathlib import Path

CLONE_FS = 0x200
CLONE_NEWNS = 0x20000
CLONE_NEWNET = 0x40000000
MS_BIND, MS_REC, MS_PRIVATE, MS_SLAVE, MS_SHARED = 0x1000, 0x4000, 1 << 18, 1 << 19, 1 << 20
MNT_DETACH = 2
PR_SET_PDEATHSIG, PR_SET_NAME, PR_SET_CHILD_SUBREAPER = 1, 15, 36

_libc = ctypes.CDLL(None, use_errno=True)


def bind(source: Path | str, target: Path) -> None:
    """Let `source` be seen at `target`, too."""
    _try("mount", _libc.mount(os.fsencode(source), os.fsencode(target), b"", MS_BIND, None), target)


def propagate(target: Path, how: int) -> None:
    """Say which mounts below `target` other mount namespaces hear of."""
    _try("mount", _libc.mount(b"none", os.fsencode(target), b"", how, None), target)


def mount(kind: str, target: Path) -> None:
    """Mount a file system of the kernel's own."""
    _try("mount", _libc.mount(kind.encode(), os.fsencode(target), kind.encode(), 0, None), target)


def unmount(target: Path | str) -> None:
    """Take a mount away, now from sight and, when nobody uses it any more, for good."""
    _try("umount", _libc.umount2(os.fsencode(target), MNT_DETACH), target)


def unshare(what: int) -> None:
    """Give the calling thread something of its own."""
    _try("unshare", _libc.unshare(what), f"{what:#x}")


def enter(fd: int, kind: int) -> None:
    """Move the calling thread into a namespace."""
    _try("setns", _libc.setns(fd, kind), fd)


def prctl(option: int, value: int | bytes) -> None:
    """Change something about the calling process."""
    _try("prctl", _libc.prctl(option, value, 0, 0, 0), option)


def _try(call: str, result: int, of: object) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}", str(of))
