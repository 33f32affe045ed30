"""Memory of half-received messages, shared by all who call."""

from hypothesis import given
from hypothesis import strategies as st

from nsm.rpc.hoard import SMALL, Hoard

MOST = 10 * SMALL


def test_one_alone_may_have_it_all_and_no_more() -> None:
    hoard = Hoard(MOST)
    assert not hoard.note("one", MOST)
    assert hoard.note("one", MOST + 1)


def test_who_hoards_gives_way_and_who_just_came_does_not() -> None:
    hoard = Hoard(MOST)
    hoard.note("greedy", MOST)
    assert not hoard.note("modest", 2 * SMALL)
    assert hoard.note("greedy", MOST)


def test_what_was_read_counts_no_more() -> None:
    hoard = Hoard(MOST)
    hoard.note("one", MOST)
    hoard.note("one", 0)
    assert (hoard.total, len(hoard)) == (0, 0)
    assert not hoard.note("two", MOST)


def test_small_messages_are_not_counted() -> None:
    hoard = Hoard(MOST)
    assert not any(hoard.note(number, SMALL) for number in range(1000))
    assert (hoard.total, len(hoard)) == (0, 0)


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 3 * MOST))))
def test_together_they_never_hold_twice_as_much(said: list[tuple[int, int]]) -> None:
    hoard, held = Hoard(MOST), dict.fromkeys(range(8), 0)
    for who, size in said:
        held[who] = size
        if hoard.note(who, size):
            held[who] = 0
            hoard.note(who, 0)
        assert hoard.total == sum(size for size in held.values() if size > SMALL)
        assert hoard.total <= 2 * MOST
