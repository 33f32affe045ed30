"""When asking a registry again is worth it, and how long to wait before."""

import logging

from nsm.errors import Denied, Invalid, NotFound, NsmError, TooLate, Unimplemented, Unreachable
from nsm.sdk import Call, Clock
from nsm.sdk.backoff import Backoff

FIRST = 0.2
LONGEST = 5.0
NEXT_DOOR = 0.25
"""Seconds at most between two knocks at a registry of this host that is not there."""
TOLD = 4
"""Knocks that are worth a line in the log."""
AWAY = (Unreachable, TooLate)
"""How a registry fails that is not there; whatever else it says is an answer."""


def backoff() -> Backoff:
    """Pauses from a fifth of a second to five (W §2.2 retry begins with the same)."""
    return Backoff(FIRST, LONGEST)


class Pauses:
    """How long to wait before asking a registry again, by how it failed.

    With `near`, one that is not there at all is knocked at often; what it says once it is there is
    met with pauses as anywhere.
    """

    def __init__(self, *, near: bool = False) -> None:
        self.near = near
        self.growing = backoff()
        self.knocks = Backoff(FIRST, NEXT_DOOR)

    def after(self, error: NsmError) -> float:
        """Seconds until the next try."""
        away = self.near and isinstance(error, Unreachable) and not error.hop
        return (self.knocks if away else self.growing).pause()

    @property
    def level(self) -> int:
        """How loud to say so."""
        return logging.INFO if self.knocks.tries <= TOLD else logging.DEBUG


def pointless(error: NsmError) -> bool:
    """Whether asking the same again would be answered the same."""
    return isinstance(error, Invalid | Denied | NotFound | Unimplemented)


def late(call: Call, clock: Clock, pause: float = 0.0) -> bool:
    """Whether the caller's time is up after that pause."""
    return call.deadline is not None and clock.ticks() + pause >= call.deadline
