"""What time it is, and alarms: the one place that asks."""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol, runtime_checkable


@runtime_checkable
class Alarm(Protocol):
    """Something set to happen."""

    def cancel(self) -> object:
        """Let it not happen."""
        ...


class Clock:
    """Wall time for what peers must agree on, loop time for how long things take.

    Tests run on a virtual loop with `LoopClock`; nothing else reads the time.
    """

    def now(self) -> float:
        """Wall time, in seconds since the epoch."""
        return time.time()

    def ticks(self) -> float:
        """Seconds on the running loop's own scale, which no one sets back."""
        return asyncio.get_running_loop().time()

    def at(self, when: float, ring: Callable[[], None]) -> Alarm:
        """Call `ring` when the wall shows `when`; at once if that has passed."""
        return self.after(when - self.now(), ring)

    def after(self, seconds: float, ring: Callable[[], None]) -> Alarm:
        """Call `ring` in so many seconds."""
        return asyncio.get_running_loop().call_later(max(0.0, seconds), ring)

    async def sleep(self, seconds: float) -> None:
        """Come back in so many seconds."""
        await asyncio.sleep(seconds)


class LoopClock(Clock):
    """A wall that moves with the loop, so that virtual time moves both; `skew` sets it wrong."""

    def __init__(self, start: float = 1_800_000_000.0, skew: float = 0.0) -> None:
        self.start = start + skew

    def now(self) -> float:
        return self.start + self.ticks()
