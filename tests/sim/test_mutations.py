"""The test of the simulation: it notices faults that are put into the product."""

import pytest

from .mutations.hunt import with_fault
from .mutations.known import ALL

SLICE = {
    "alarm-outlives-its-connection": 0,
    "close-says-what-is-sent": 0,
    "what-stood-is-believed": 23,
    "vni-is-not-remembered": 3,
    "patience-begins-anew": 81,
}
"""A few of them, and a seed that is known to notice."""


@pytest.mark.parametrize("name", ALL)
def test_each_is_a_fault_in_something_that_is_there(name: str) -> None:
    one = ALL[name]
    real = [getattr(*place) for place in one.places]
    assert one.wrong.endswith("."), "say in a sentence what is wrong"
    with one.applied():
        wrong = [getattr(*place) for place in one.places]
        assert all(a is not b for a, b in zip(real, wrong, strict=True))
    assert [getattr(*place) for place in one.places] == real


def test_there_are_enough_of_them() -> None:
    assert len(ALL) >= 24


@pytest.mark.parametrize(("name", "seed"), SLICE.items())
def test_it_is_noticed(name: str, seed: int) -> None:
    assert with_fault(name, seed).problems, f"python -m tests.sim.mutations {name}"
