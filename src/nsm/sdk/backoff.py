"""How long to wait before trying again."""

from collections.abc import Callable

from nsm.errors import Denied
from nsm.sdk.chance import fraction

REFUSED = 30.0
"""Seconds before whoever was refused asks again, at least: rules change, but not every moment."""


class Backoff:
    """Pauses that double up to a limit, scattered so that many who wait do not come as one."""

    def __init__(
        self, first: float, longest: float, *, chance: Callable[[], float] = fraction
    ) -> None:
        self.first = first
        self.longest = longest
        self.chance = chance
        self.tries = 0

    def pause(self) -> float:
        """Seconds before the next try: from half to all of what doubling says."""
        pause = min(self.longest, self.first * 2.0 ** min(self.tries, 32))
        self.tries += 1
        return pause * (0.5 + self.chance() / 2)

    def after(self, error: Exception) -> float:
        """Seconds before what failed so is tried again."""
        if isinstance(error, Denied):
            return REFUSED * (1 + self.chance() / 10)
        return self.pause()

    def reset(self) -> None:
        """It worked: begin with the short pause next time."""
        self.tries = 0
