"""For how long what carries is asked for as it is."""

import asyncio

import pytest

from nsm.api.connection import Connection, Path, Segment
from nsm.elements.lifecycle.patience import NO_WAY_THERE, UNKNOWN, Patience, seconds_after
from nsm.errors import NotFound, TooLate, Unreachable
from nsm.sdk.clock import LoopClock

pytestmark = pytest.mark.looptime

CONN = Connection("c", path=Path(0, tuple(map(Segment, ("nsc", "nm", "fwd", "nse")))))


def test_the_nearer_to_the_end_the_shorter_unless_nothing_was_said_of_it() -> None:
    dead, away = (Unreachable("no", hop=f"spiffe://test/{hop}") for hop in ("fwd", "else"))
    failures = (dead, NotFound("no"), away, Unreachable("no"))
    times = [seconds_after(error, CONN) for error in failures]
    assert times == sorted(times)
    assert len(set(times)) == 4
    assert seconds_after(TooLate("no"), CONN) == NO_WAY_THERE


async def test_each_kind_of_failure_is_counted_from_its_first() -> None:
    patience = Patience(LoopClock())
    patience.failed(Unreachable("our manager is away"), CONN)
    await asyncio.sleep(1000)
    assert not patience.is_over
    patience.failed(NotFound("no"), CONN)
    await asyncio.sleep(UNKNOWN)
    assert not patience.is_over
    patience.failed(NotFound("no"), CONN)
    await asyncio.sleep(1)
    assert patience.is_over
    patience.failed(Unreachable("our manager is away"), CONN)
    assert not patience.is_over
