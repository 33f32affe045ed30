"""No connection outlives the certificates that it was made with.

TLS looks at them once. What they say ends with them all the same, and tokens end with the leaf
that signs them: so each side lets go in time, the one that dialed first, and each at a moment of
its own, so that not all dial anew at once.
"""

import random
from collections.abc import Callable
from enum import Enum
from math import isfinite

from nsm.sdk.clock import Alarm, Clock

LONG = 600.0
"""Seconds; of what is left of a connection's time, no more than this is shared out."""
GOODBYE = 1.0
"""Seconds that streams have to hear that it is over, at most."""


class Side(Enum):
    """Which end of a connection: how soon it lets go, as a share of what is left."""

    DIALED = 0.2
    ACCEPTED = 0.1


SPREAD = 0.1


class Aging:
    """Rings for one connection: `retire` (no new calls), `part` (end streams), `over` at `until`.

    `until` is in seconds since the epoch, infinite where nothing ends.
    """

    def __init__(
        self, clock: Clock, until: float, side: Side, chance: Callable[[], float] = random.random
    ) -> None:
        self._clock = clock
        self._until = until
        left = min(max(0.0, until - clock.now()), LONG)
        self.early = left * (side.value + SPREAD * chance())
        self._alarms: list[Alarm] = []

    def begin(
        self, retire: Callable[[], None], part: Callable[[], None], over: Callable[[], None]
    ) -> None:
        """Wind it up."""
        if isfinite(self._until):
            goodbye = min(self.early / 2, GOODBYE)
            rings = ((self.early, retire), (goodbye, part), (0.0, over))
            self._alarms = [self._clock.at(self._until - early, ring) for early, ring in rings]

    def cancel(self) -> None:
        """The connection ended by itself."""
        while self._alarms:
            self._alarms.pop().cancel()
