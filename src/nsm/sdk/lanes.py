"""One thing at a time per key, in the order asked; different keys run side by side."""

from asyncio import Lock
from collections.abc import Hashable
from dataclasses import dataclass, field
from types import TracebackType


@dataclass(slots=True)
class _Lane:
    lock: Lock = field(default_factory=Lock)
    users: int = 0


class Lanes:
    """FIFO locks by key, made on first use and dropped after the last."""

    def __init__(self) -> None:
        self._lanes: dict[Hashable, _Lane] = {}

    def __len__(self) -> int:
        return len(self._lanes)

    def enter(self, key: Hashable) -> "_Turn":
        """Wait, in `async with`, for everyone who asked for `key` before us."""
        return _Turn(self._lanes, key)


class _Turn:
    """A class and not a generator: this stands on the way of every request."""

    __slots__ = ("key", "lane", "lanes")

    def __init__(self, lanes: dict[Hashable, _Lane], key: Hashable) -> None:
        self.lanes = lanes
        self.key = key
        self.lane = lanes.setdefault(key, _Lane())

    async def __aenter__(self) -> None:
        self.lane = self.lanes.setdefault(self.key, self.lane)
        self.lane.users += 1
        try:
            await self.lane.lock.acquire()  # asyncio.Lock wakes its waiters in order
        except BaseException:
            self._leave()
            raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self.lane.lock.release()
        self._leave()

    def _leave(self) -> None:
        self.lane.users -= 1
        if not self.lane.users and self.lanes.get(self.key) is self.lane:
            del self.lanes[self.key]
