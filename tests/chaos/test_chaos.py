"""Two minutes of chaos: every kind of fault, and every promise kept."""

from dataclasses import replace
from itertools import islice

import pytest

from .drawing import draw
from .echoes import Echo, Seen, judge
from .promises import Wire, allowed, broken
from .run import run
from .schedule import CRASH, CUT, GONE, SHARES, STOP, Fault, faults
from .sender import LOST, NEW

SLICE = 136
"""A seed whose faults meet every role."""
MINUTES = 1.8
"""With what it takes to come up, to be looked at and to go down: two."""


def test_a_seed_decides_the_world_and_every_fault() -> None:
    first, again, other = (list(islice(faults(draw(seed)), 50)) for seed in (3, 3, 4))
    assert first == again
    assert first != other
    assert draw(3) == draw(3)
    assert {fault.kind for fault in first[: len(SHARES)]} == set(SHARES), "none is left out"


def test_silence_is_from_the_first_lost_to_the_next_that_came_back() -> None:
    lost = {3, 4, 5, 8}
    echoes = [Echo(float(at), LOST if at in lost else 0.01, at) for at in range(10)]
    late = sorted(echoes, key=lambda one: one.sent + one.lost)  # a loss is known later
    seen = judge([*late, Echo(4.5, NEW, 17)])
    assert (seen.silence, seen.lost, seen.sent, seen.remade) == (3.0, 4, 10, 1)
    assert (seen.since, seen.until) == (3.0, 9.0)


def test_silence_that_has_not_ended_counts_and_has_no_end() -> None:
    seen = judge([Echo(0.0, 0.01, 0), Echo(1.0, LOST, 1), Echo(2.5, LOST, 2)])
    assert (seen.silence, seen.until) == (1.5, None)


DRAWN = draw(SLICE)
WIRE = Wire("web-1", "nsm-1", "served", "one-1", ("web-1", "manager-n-1", "f", "one-1"))


@pytest.mark.parametrize(
    ("fault", "most"),
    [
        (Fault(CRASH, "registry", "registry"), 0),
        (Fault(CRASH, "n-1", "node"), 0),
        (Fault(STOP, "one-1", "endpoint", 3.0), 0),
        (Fault(GONE, "one-2", "endpoint", 3.0), 0),
        (Fault(GONE, "one-1", "endpoint", 3.0), 10),
        (Fault(CUT, "n-1", "node", 3.0, "both"), 0),
    ],
)
def test_a_fault_may_do_no_more_than_is_promised(fault: Fault, most: float) -> None:
    assert allowed(fault, WIRE, DRAWN).silence == most
    assert not list(broken(fault, WIRE, WIRE, Seen(100, 0), DRAWN))
    assert list(broken(fault, WIRE, WIRE, Seen(100, 9, most + 0.1), DRAWN))


def test_what_carries_may_move_only_because_of_who_serves_it() -> None:
    moved = replace(WIRE, endpoint="one-2")
    for whom, role in (("n-1", "node"), ("registry", "registry"), ("web-1", "client")):
        assert list(broken(Fault(CRASH, whom, role), WIRE, moved, Seen(100, 0), DRAWN))
    assert not list(broken(Fault(CRASH, "one-1", "endpoint"), WIRE, moved, Seen(100, 0), DRAWN))


def test_an_interface_made_anew_breaks_the_promise_though_nothing_was_lost() -> None:
    fault = Fault(CRASH, "n-1", "node")
    assert list(broken(fault, WIRE, WIRE, Seen(100, 0, remade=1), DRAWN))


@pytest.mark.linux
@pytest.mark.world
def test_every_kind_of_fault_is_survived_as_promised() -> None:
    said: list[str] = []
    story = run(SLICE, MINUTES, faults(DRAWN), said.append)
    assert not story.broken, "\n".join(said)
    assert {done.fault.kind for done in story.happenings} == set(SHARES), "\n".join(said)
