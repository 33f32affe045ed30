"""A loop on which time passes only while everybody waits."""

import asyncio
import selectors
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

T = TypeVar("T")


class Stuck(Exception):
    """Everybody waits, and nothing is ever to happen."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """Jumps to the next timer; sockets and threads are not heard of here."""

    def __init__(self) -> None:
        self.now = 0.0
        super().__init__(_Jump(self))

    def time(self) -> float:
        return self.now


class _Jump(selectors.BaseSelector):
    """A selector that never waits."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.loop = loop
        self.known: dict[Any, selectors.SelectorKey] = {}

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Stuck("nothing is left that could happen")
        if timeout > 0:
            self.loop.now += timeout
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = self.known[fileobj] = selectors.SelectorKey(fileobj, -1, events, data)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self.known.pop(fileobj)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self.known

    def close(self) -> None:
        self.known.clear()


def live(work: Coroutine[Any, Any, T]) -> T:
    """What `work` comes to on a loop of its own."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)
