"""A loop on which time passes only while everybody waits."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from heapq import heappop, heappush
from itertools import count
from typing import Any, TypeVar

T = TypeVar("T")


class Stuck(Exception):
    """Nothing is ever to happen: everybody waits, or runs in circles."""


BUSY = 100_000
"""Turns of the loop in which no time passes, before nobody believes any more that it ever will."""


class VirtualLoop(asyncio.BaseEventLoop):
    """Jumps to the next timer; sockets are not heard of, and what threads do is done at once.

    What is due at one time happens in the order it was asked for. Most of a story is turns of the
    loop: this one does without what asyncio's own keeps for sockets, threads and debugging.
    """

    _stopping: bool  # the base's: it has been told to stop

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.turns = 0
        self._soon: deque[_Due] = deque()
        self._later: list[tuple[float, int, _Due]] = []
        self._numbers = count()

    def time(self) -> float:
        return self.now

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> "_Due":
        due = _Due(self.now, callback, args, context)
        self._soon.append(due)
        return due

    call_soon_threadsafe = call_soon  # type: ignore[assignment]  # there are no threads

    def call_later(  # type: ignore[override]
        self,
        delay: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> "_Due":
        return self.call_at(self.now + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> "_Due":
        due = _Due(when, callback, args, context)
        heappush(self._later, (when, next(self._numbers), due))
        return due

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

    def close(self) -> None:
        super().close()
        self._soon.clear()
        self._later.clear()

    def _run_once(self) -> None:
        """One turn, which the base asks for until it is told to stop: all that is due now."""
        soon, later = self._soon, self._later
        while later and later[0][2].dropped:
            heappop(later)
        if not soon and not self._stopping:
            self._pass_time()
        self.turns += 1
        if self.turns > BUSY:
            raise Stuck("everybody is busy, and no time passes")
        while later and later[0][0] <= self.now:
            soon.append(heappop(later)[2])
        for _ in range(len(soon)):
            due = soon.popleft()
            if not due.dropped:
                self._let(due)

    def _let(self, due: "_Due") -> None:
        try:
            due.context.run(due.callback, *due.args)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            what = f"{due.callback!r} failed"
            self.call_exception_handler({"message": what, "exception": error})

    def _pass_time(self) -> None:
        if not self._later:
            raise Stuck("nothing is left that could happen")
        when = self._later[0][0]
        if when > self.now:
            self.now, self.turns = when, 0


class _Due:
    """Something to be called, unless it is dropped before; asyncio's own know much more."""

    __slots__ = ("args", "callback", "context", "dropped", "moment")

    def __init__(
        self,
        when: float,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        context: Context | None,
    ) -> None:
        self.moment = when
        self.callback = callback
        self.args = args
        self.context = copy_context() if context is None else context
        self.dropped = False

    def when(self) -> float:
        return self.moment

    def cancel(self) -> None:
        self.dropped = True
        self.callback, self.args = _nothing, ()  # what they held is let go of now

    def cancelled(self) -> bool:
        return self.dropped


def _nothing() -> None:
    return None


def live(work: Coroutine[Any, Any, T]) -> T:
    """What `work` comes to on a loop of its own."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)
