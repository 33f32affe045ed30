"""Files that travel without a socket, for tests of what sends and receives them."""

import asyncio
import os

from nsm.sdk.files import Inode


class CarriedFiles:
    """What is sent at one end is received at the other, which is this same object.

    Those in `foreign` are namespaces that the sender could not enter.
    """

    def __init__(self) -> None:
        self.sent: list[Inode] = []
        self.came = asyncio.Event()
        self.foreign: set[Inode] = set()
        self._fds: dict[Inode, int] = {}

    def __len__(self) -> int:
        """How many are here, as a socket's files say: there may be none yet, and still a way."""
        return len(self._fds)

    def send(self, fd: int) -> Inode:
        found = os.fstat(fd)
        inode = Inode(found.st_dev, found.st_ino)
        self.sent.append(inode)
        if inode not in self._fds:
            self._fds[inode] = os.dup(fd)
        self.came.set()
        return inode

    async def receive(self, inode: Inode) -> int:
        while inode not in self._fds:
            self.came.clear()
            await self.came.wait()
        return os.dup(self._fds[inode])

    def entitled(self, fd: int) -> bool:
        """All are the sender's own but those in `foreign`."""
        found = os.fstat(fd)
        return Inode(found.st_dev, found.st_ino) not in self.foreign

    def close(self) -> None:
        """Let go of whatever was sent."""
        while self._fds:
            os.close(self._fds.popitem()[1])
