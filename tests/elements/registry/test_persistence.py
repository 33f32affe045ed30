"""When asking a registry again is worth it."""

import pytest

from nsm.elements.registry.persistence import backoff, late, pointless
from nsm.errors import Denied, Exhausted, Invalid, NotFound, Unauthenticated, Unreachable
from nsm.sdk import Call


def test_what_will_not_change_is_pointless() -> None:
    assert all(map(pointless, (Denied("x"), Invalid("x"), NotFound("no such domain"))))
    assert not any(map(pointless, (Unreachable("x"), Exhausted("x"))))
    assert not pointless(Unauthenticated("certificates rotate"))


def test_pauses_stay_within_bounds() -> None:
    pauses = backoff()
    taken = [pauses.pause() for _ in range(100)]
    assert min(taken) >= 0.1
    assert max(taken) <= 5


@pytest.mark.looptime
async def test_it_is_late_when_the_pause_would_outlast_the_callers_time(clock) -> None:
    assert not late(Call(), clock, 1e9)
    assert not late(Call(deadline=clock.ticks() + 2), clock, 1)
    assert late(Call(deadline=clock.ticks() + 1), clock, 1)
