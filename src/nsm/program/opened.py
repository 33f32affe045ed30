"""What a program has open on top of what it had when it was ready."""

import os
import stat
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

Thing = tuple[str, str]
"""What the kernel calls it, and what it is known by also when it is renamed."""


class Opened:
    """Knows what there was at the beginning; before that, nothing is on top of it."""

    def __init__(self) -> None:
        self.sockets = 0
        self.files: Counter[str] | None = None

    def settle(self, kept: int) -> None:
        """From here on: every further socket must be one of those `kept`, and files are told."""
        self.sockets = _sockets() - kept
        self.files = Counter(key for _, key in _files())

    def more_sockets(self, kept: int) -> int:
        """How many there are that nobody keeps."""
        return 0 if self.files is None else max(0, _sockets() - kept - self.sockets)

    def more_files(self) -> list[str]:
        """What else there is, each as the kernel calls it.

        But for namespaces, and the sockets of others that stand at a path: they are for
        whoever is served or called.
        """
        if self.files is None:
            return []
        left, more = self.files.copy(), []
        for name, key in _files():
            if left[key] > 0:
                left[key] -= 1
            else:
                more.append(name)
        return sorted(more)


def _sockets() -> int:
    return sum(name.startswith("socket:") for name, _ in _open())


def _files() -> Iterator[Thing]:
    for name, key in _open():
        if not name.startswith("socket:"):
            yield name, key


def _open() -> Iterator[Thing]:
    """Everything, but for namespaces, sockets' paths, and what has gone since it was listed."""
    namespaces = os.stat("/proc/self/ns/net").st_dev
    for fd in map(int, os.listdir("/proc/self/fd")):
        with suppress(OSError):
            name, about = os.readlink(f"/proc/self/fd/{fd}"), os.fstat(fd)
            is_path = name.startswith("/")
            if about.st_dev != namespaces and not (is_path and stat.S_ISSOCK(about.st_mode)):
                yield name, f"{about.st_dev} {about.st_ino}" if is_path else name
