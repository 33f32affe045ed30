"""A loop on which time passes only while everybody waits."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar

T = TypeVar("T")


class Stuck(Exception):
    """Nothing is ever to happen: everybody waits, or runs in circles."""


BUSY = 100_000
"""Turns of the loop in which no time passes, before nobody believes any more that it ever will."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """Jumps to the next timer; sockets are not heard of, and what threads do is done at once."""

    def __init__(self) -> None:
        self.now = 0.0
        super().__init__(_Jump(self))

    def time(self) -> float:
        return self.now

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., T], *args: Any
    ) -> "asyncio.Future[T]":
        """Do it here and now: a file is written, or read, in no time."""
        done: asyncio.Future[T] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:
            done.set_exception(error)
        return done


class _Jump(selectors.BaseSelector):
    """A selector that never waits."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.loop = loop
        self.known: dict[Any, selectors.SelectorKey] = {}
        self.turns = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Stuck("nothing is left that could happen")
        self.turns += 1
        if timeout > 0:
            self.loop.now += timeout
            self.turns = 0
        if self.turns > BUSY:
            raise Stuck("everybody is busy, and no time passes")
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
