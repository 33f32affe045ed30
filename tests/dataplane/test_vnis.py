"""One VNI, one connection of a node."""

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsm.dataplane.driver import VniTaken
from nsm.dataplane.vnis import Vnis
from nsm.errors import Exhausted


def test_what_is_taken_is_drawn_again() -> None:
    vnis = Vnis()
    draws = iter([4, 4, 0, 6])
    assert vnis.allocate("a", lambda: next(draws)) == 4
    assert vnis.allocate("b", lambda: next(draws)) == 6


def test_a_connection_keeps_its_vni() -> None:
    vnis, numbers = Vnis(), count(2)
    assert vnis.allocate("a", lambda: next(numbers)) == 2
    assert vnis.allocate("a", lambda: next(numbers)) == 2
    vnis.release("a")
    vnis.release("a")
    assert vnis.allocate("a", lambda: next(numbers)) == 3


def test_who_has_which_is_told() -> None:
    vnis = Vnis()
    vnis.hold("a", 4)
    vnis.hold("b", 6)
    vnis.release("a")
    assert list(vnis) == [("b", 6)]


def test_drawing_has_an_end() -> None:
    vnis = Vnis()
    vnis.hold("a", 4)
    with pytest.raises(Exhausted, match="1 are in use"):
        vnis.allocate("b", lambda: 4)


def test_one_chosen_elsewhere_is_held_unless_another_has_it() -> None:
    vnis = Vnis()
    vnis.hold("a", 4)
    vnis.hold("a", 4)
    with pytest.raises(VniTaken):
        vnis.hold("b", 4)
    vnis.hold("a", 6)
    vnis.hold("b", 4)
    assert len(vnis) == 2


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(1, 4), st.booleans())))
def test_no_two_connections_share_one(steps) -> None:
    vnis, held = Vnis(), {}
    for connection, vni, leave in steps:
        if leave:
            vnis.release(connection)
            held.pop(connection, None)
            continue
        try:
            vnis.hold(connection, vni)
            held[connection] = vni
        except VniTaken:
            assert any(v == vni for c, v in held.items() if c != connection)
        assert len(set(held.values())) == len(held) == len(vnis)
