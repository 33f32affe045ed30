"""How long what still carries is asked for as it is, before somebody else may serve it."""

from nsm.api.connection import Connection
from nsm.errors import NotFound, Unreachable
from nsm.sdk import Clock

END_IS_DEAD, NO_WAY_THERE, UNKNOWN = 0.5, 30.0, 10.0
"""Seconds: its end is dead, or one on the way; or nobody knows it, who may be about to hear of it
again."""


class Patience:
    """Counts for one connection since when it has failed, by why."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.most = float("inf")
        self.since: dict[float, float] = {}

    def failed(self, error: BaseException, conn: Connection) -> None:
        """It was asked for as it is, in vain."""
        self.most = seconds_after(error, conn)
        self.since.setdefault(self.most, self.clock.ticks())

    @property
    def is_over(self) -> bool:
        """Whether it has failed for long enough in the way that it failed last."""
        now = self.clock.ticks()
        return now - self.since.get(self.most, now) > self.most


def seconds_after(error: BaseException, conn: Connection) -> float:
    """How long to bear with that failure.

    Where our own next hop does not answer, nothing has been said of what lies beyond.
    """
    if isinstance(error, NotFound):
        return UNKNOWN
    if not isinstance(error, Unreachable):
        return NO_WAY_THERE
    if not error.hop:
        return float("inf")
    beside = [segment.name for segment in conn.hops.segments[-3:-1]]
    return END_IS_DEAD if error.hop.rpartition("/")[2] in beside else NO_WAY_THERE
