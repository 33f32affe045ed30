"""Files that programs were handed, so that it can be said who still holds which."""

import os
from collections.abc import Iterator

from nsm.sdk.files import Files, Inode
from nsm.sim.process import Process


class Ledger:
    """Every descriptor that a program received, and the file it was then."""

    def __init__(self) -> None:
        self.of: dict[int, tuple[Process, Inode]] = {}

    def held(self, process: Process) -> Iterator[int]:
        """Those the program still has open."""
        for fd, (owner, inode) in self.of.items():
            if owner is process and inode_of(fd) == inode:
                yield fd


LEDGER = Ledger()
"""Descriptors belong to the whole process, and so does this."""


class CountedFiles:
    """One end of a way for files."""

    def __init__(self, files: Files, process: Process) -> None:
        self.files = files
        self.process = process

    def send(self, fd: int) -> Inode:
        return self.files.send(fd)

    async def receive(self, inode: Inode) -> int:
        fd = await self.files.receive(inode)
        LEDGER.of[fd] = (self.process, inode)
        return fd

    def entitled(self, fd: int) -> bool:
        return True


def inode_of(fd: int) -> Inode | None:
    """What is open under that number now."""
    try:
        found = os.fstat(fd)
    except OSError:
        return None
    return Inode(found.st_dev, found.st_ino)
