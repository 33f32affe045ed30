from hypothesis import given
from hypothesis import strategies as st

from nsm.errors import Denied, Unreachable
from nsm.sdk.backoff import REFUSED, Backoff


def test_pauses_double_up_to_the_longest() -> None:
    backoff = Backoff(0.05, 2.0, chance=lambda: 1.0)
    assert [backoff.pause() for _ in range(8)] == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]


def test_after_success_pauses_are_short_again() -> None:
    backoff = Backoff(0.05, 2.0, chance=lambda: 1.0)
    for _ in range(10):
        backoff.pause()
    backoff.reset()
    assert backoff.pause() == 0.05


@given(st.floats(0, 1), st.integers(0, 5000))
def test_a_pause_is_never_shorter_than_half_nor_longer_than_the_longest(
    chance: float, tries: int
) -> None:
    backoff = Backoff(0.05, 2.0, chance=lambda: chance)
    backoff.tries = tries
    assert 0.025 <= backoff.pause() <= 2.0


def test_whoever_is_refused_waits_for_half_a_minute_and_a_little() -> None:
    backoff = Backoff(0.05, 2.0, chance=lambda: 1.0)
    assert backoff.after(Unreachable("gone")) == 0.05
    assert REFUSED < backoff.after(Denied("no")) <= 1.1 * REFUSED
    assert backoff.after(Unreachable("gone")) == 0.1
