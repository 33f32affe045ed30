"""When asking a registry again is worth it."""

import logging

import pytest

from nsm.elements.registry.persistence import NEXT_DOOR, Pauses, backoff, late, pointless
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


def test_who_is_not_there_next_door_is_knocked_at_often_and_who_answers_is_not() -> None:
    pauses, elsewhere = Pauses(near=True), Pauses()
    gone, said_so = Unreachable("nobody there"), Unreachable("nobody beyond", hop="manager")
    assert max(pauses.after(gone) for _ in range(100)) <= NEXT_DOOR
    assert pauses.after(said_so) <= 0.2, "an hour of knocking makes nobody wait for answers"
    for growing, error in ((pauses, said_so), (elsewhere, gone)):
        assert min([growing.after(error) for _ in range(20)][10:]) >= 2.5
    assert max(pauses.after(gone) for _ in range(100)) <= NEXT_DOOR


def test_only_the_first_knocks_are_said_aloud() -> None:
    pauses = Pauses(near=True)
    levels = []
    for _ in range(100):
        pauses.after(Unreachable("nobody there"))
        levels.append(pauses.level)
    assert 0 < levels.count(logging.INFO) < 10


@pytest.mark.looptime
async def test_it_is_late_when_the_pause_would_outlast_the_callers_time(clock) -> None:
    assert not late(Call(), clock, 1e9)
    assert not late(Call(deadline=clock.ticks() + 2), clock, 1)
    assert late(Call(deadline=clock.ticks() + 1), clock, 1)
