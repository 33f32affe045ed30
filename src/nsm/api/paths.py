"""How long the tokens on a path are good for, and when to ask for new ones (W §1.7)."""

from nsm.api.connection import Path
from nsm.api.timestamp import Timestamp


def earliest(path: Path) -> Timestamp | None:
    """When the first token on the path runs out; None where none says."""
    return min((s.expires for s in path.segments if s.expires is not None), default=None)


def granted_until(path: Path) -> float:
    """When the word of the hop before this one ends (since the epoch); 0 where it says nothing."""
    before = path.segments[path.index - 1 : path.index]
    return before[0].expires.time if before and before[0].expires else 0.0


def refresh_in(path: Path, now: float) -> float | None:
    """Seconds from `now` until the path is to be refreshed; None where no token runs out.

    Hops ask one after another, the first one first: each waits a fifth of the shortest life, and
    the later ones up to a fifth more.
    """
    first = earliest(path)
    if first is None:
        return None
    hops = len(path.segments)
    scale = 0.2 + 0.2 * path.index / hops if hops > 1 else 1 / 3
    return max(0.0, (first.time - now) * scale)
