"""Files handed over inside one process, as a unix socket would hand them over."""

import asyncio
import os

from nsm.errors import Exhausted, Unreachable
from nsm.sdk.clock import Alarm, Clock
from nsm.sdk.files import Files, Inode

KEPT = 10.0
"""Seconds a file waits for whoever was to receive it: a held one pins a namespace."""
MOST = 1024
"""Files that may wait in one direction."""


class Handover:
    """Two ends: what is sent at one can be received at the other, for a while."""

    def __init__(self, clock: Clock, most: int = MOST) -> None:
        there, back = _Shelf(clock, most), _Shelf(clock, most)
        self.near: Files = _End(there, back)
        self.far: Files = _End(back, there)
        self._shelves = (there, back)

    def close(self) -> None:
        """Nobody is left to receive anything."""
        for shelf in self._shelves:
            shelf.close()


class _Shelf:
    """What waits at one end; closed when this is forgotten, at the latest."""

    def __init__(self, clock: Clock, most: int) -> None:
        self.clock = clock
        self.most = most
        self.files: dict[Inode, tuple[int, Alarm]] = {}
        self.waiting: dict[Inode, asyncio.Event] = {}
        self.closed = False

    def __del__(self) -> None:
        self.close()

    def put(self, fd: int) -> Inode:
        stat = os.fstat(fd)
        inode = Inode(stat.st_dev, stat.st_ino)
        if self.closed:
            raise Unreachable("nobody is left to send files to")
        if len(self.files) >= self.most and inode not in self.files:
            raise Exhausted(f"{self.most} files sent and not received")
        kept = os.dup(fd)
        self._drop(inode)
        self.files[inode] = kept, self.clock.after(KEPT, lambda: self._drop(inode))
        if waiting := self.waiting.pop(inode, None):
            waiting.set()
        return inode

    async def take(self, inode: Inode) -> int:
        while inode not in self.files:
            if self.closed:
                raise Unreachable("the sender left without sending the file")
            await self.waiting.setdefault(inode, asyncio.Event()).wait()
        return os.dup(self.files[inode][0])

    def close(self) -> None:
        self.closed = True
        for inode in list(self.files):
            self._drop(inode)
        for waiting in self.waiting.values():
            waiting.set()
        self.waiting.clear()

    def _drop(self, inode: Inode) -> None:
        if kept := self.files.pop(inode, None):
            kept[1].cancel()
            os.close(kept[0])


class _End:
    def __init__(self, out: _Shelf, into: _Shelf) -> None:
        self._out = out
        self._into = into

    def send(self, fd: int) -> Inode:
        return self._out.put(fd)

    async def receive(self, inode: Inode) -> int:
        return await self._into.take(inode)

    def entitled(self, fd: int) -> bool:
        return True  # this very process, which looked when it received it
