"""When asking a registry again is worth it, and how long to wait before."""

from nsm.errors import Denied, Invalid, NotFound, NsmError, TooLate, Unimplemented, Unreachable
from nsm.sdk import Call, Clock
from nsm.sdk.backoff import Backoff

FIRST = 0.2
LONGEST = 5.0
AWAY = (Unreachable, TooLate)
"""How a registry fails that is not there; whatever else it says is an answer."""


def backoff() -> Backoff:
    """Pauses from a fifth of a second to five (W §2.2 retry begins with the same)."""
    return Backoff(FIRST, LONGEST)


def pointless(error: NsmError) -> bool:
    """Whether asking the same again would be answered the same."""
    return isinstance(error, Invalid | Denied | NotFound | Unimplemented)


def late(call: Call, clock: Clock, pause: float = 0.0) -> bool:
    """Whether the caller's time is up after that pause."""
    return call.deadline is not None and clock.ticks() + pause >= call.deadline
