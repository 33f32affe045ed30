"""Files that travel beside the bytes of one unix socket (W §4), known by device and inode.

What has come is kept for a while after its last arrival, claimed or not: two connections may name
the same namespace. Then it is closed, because a held descriptor pins a dead workload's namespace.
"""

import asyncio
import os
import resource
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from nsm.errors import Exhausted, Unreachable
from nsm.sdk.clock import Alarm, Clock
from nsm.sdk.files import Inode

GRACE = 15.0
"""Seconds a file is kept after it last came."""
MOST_UNCLAIMED = 256
"""Files a peer may send that nobody asked for; a burst of honest requests stays below it."""
MOST_UNSENT = 1024
"""Files that may wait for a peer that does not read."""


class Budget:
    """How many received files this process will hold, over all its sockets."""

    def __init__(self, most: int) -> None:
        self.left = most

    @classmethod
    def of_this_process(cls) -> "Budget":
        """Half of what the process may have open."""
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return cls(32768 if soft == resource.RLIM_INFINITY else soft // 2)


SHARED = Budget.of_this_process()


def inode_of(fd: int) -> Inode:
    """What both sides know an open file by."""
    found = os.fstat(fd)
    return Inode(found.st_dev, found.st_ino)


@dataclass(slots=True)
class _Held:
    fd: int
    until: float = 0.0
    claimed: bool = False


class SocketFiles:
    """Files to and from one peer; `entitled` says which namespaces its process may enter."""

    def __init__(
        self,
        clock: Clock,
        budget: Budget = SHARED,
        entitled: Callable[[int], bool] = lambda _: True,
    ) -> None:
        self.entitled = entitled
        self.outgoing: deque[int] = deque()
        self.sent = 0
        self._clock = clock
        self._budget = budget
        self._held: dict[Inode, _Held] = {}  # the one that came longest ago is first
        self._waiting: dict[Inode, list[asyncio.Future[None]]] = {}
        self._sweeping: Alarm | None = None
        self._closed = False

    def __len__(self) -> int:
        return len(self._held)

    def send(self, fd: int) -> Inode:
        """Queue a duplicate of `fd` to leave with the next bytes; the caller keeps its own."""
        if self._closed:
            raise Unreachable("the connection is closed")
        if len(self.outgoing) >= MOST_UNSENT:
            raise Exhausted("the peer does not take the files sent to it")
        inode = inode_of(fd)
        self.outgoing.append(_duplicate(fd))
        self.sent += 1
        return inode

    async def receive(self, inode: Inode) -> int:
        """A descriptor of that file, the caller's to close; waits until it has come."""
        while (held := self._held.get(inode)) is None:
            if self._closed:
                raise Unreachable("the connection closed before the file came")
            await self._arrival_of(inode)
        held.claimed = True
        return _duplicate(held.fd)

    def arrived(self, fd: int) -> None:
        """Take ownership of `fd`; Exhausted when the peer floods us (`fd` is closed then)."""
        inode = inode_of(fd)
        held = self._held.pop(inode, None)
        if held is not None:
            os.close(fd)
        else:
            self._make_room(fd)
            held = _Held(fd)
        held.until = self._clock.ticks() + GRACE
        self._held[inode] = held
        self._wake(inode)
        if self._sweeping is None:
            self._sweeping = self._clock.after(GRACE, self._sweep)

    def close(self) -> None:
        """Close every file, and tell those who wait that nothing will come."""
        self._closed = True
        if self._sweeping is not None:
            self._sweeping.cancel()
        for inode in list(self._held):
            self._drop(inode)
        while self.outgoing:
            os.close(self.outgoing.popleft())
        for inode in self._waiting:
            self._wake(inode)

    async def _arrival_of(self, inode: Inode) -> None:
        waiter = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(inode, [])
        waiting.append(waiter)
        try:
            await waiter
        finally:
            waiting.remove(waiter)
            if not waiting:
                del self._waiting[inode]

    def _wake(self, inode: Inode) -> None:
        for waiter in self._waiting.get(inode, ()):
            if not waiter.done():
                waiter.set_result(None)

    def _make_room(self, fd: int) -> None:
        crowded = len(self._held) >= MOST_UNCLAIMED or not self._budget.left
        if crowded and (spare := next((i for i, h in self._held.items() if h.claimed), None)):
            self._drop(spare)
        elif crowded:
            os.close(fd)
            raise Exhausted(f"{len(self._held)} files came that nobody asked for")
        self._budget.left -= 1

    def _drop(self, inode: Inode) -> None:
        os.close(self._held.pop(inode).fd)
        self._budget.left += 1

    def _sweep(self) -> None:
        now = self._clock.ticks()
        for inode in [i for i, held in self._held.items() if held.until <= now]:
            self._drop(inode)
        left = min((held.until for held in self._held.values()), default=None)
        self._sweeping = None if left is None else self._clock.after(left - now, self._sweep)


def _duplicate(fd: int) -> int:
    try:
        return os.dup(fd)
    except OSError as error:
        raise Exhausted(f"no descriptor left for a file: {error.strerror}") from error
