import pytest

from nsm.api.connection import Path, Segment
from nsm.api.paths import earliest, granted_until, refresh_in
from nsm.api.timestamp import Timestamp

NOW = 1_800_000_000.0


def path(index: int, *lives: float | None) -> Path:
    segments = (
        Segment(expires=None if life is None else Timestamp.at(NOW + life)) for life in lives
    )
    return Path(index, tuple(segments))


@pytest.mark.parametrize(
    ("at", "lives", "wait"),
    [
        (0, (600, 600, 600, 600), 120),
        (1, (600, 600, 600, 600), 150),
        (3, (600, 600, 600, 600), 210),
        (0, (600, 60, 86400), 12),
        (0, (600,), 200),
        (0, (-1, 600), 0),
        (0, (None, 600), 120),
    ],
)
def test_a_path_is_refreshed_well_before_its_first_token_runs_out(
    at: int, lives: tuple[float | None, ...], wait: float
) -> None:
    assert refresh_in(path(at, *lives), NOW) == pytest.approx(wait)


@pytest.mark.parametrize("lives", [(), (None,), (None, None)])
def test_a_path_that_says_nothing_is_not_refreshed(lives: tuple[None, ...]) -> None:
    assert refresh_in(path(0, *lives), NOW) is None
    assert earliest(path(0, *lives)) is None


def test_the_earliest_is_found_to_the_nanosecond() -> None:
    late, soon = Timestamp(5, 2), Timestamp(5, 1)
    assert earliest(Path(0, (Segment(expires=late), Segment(expires=soon)))) == soon


def test_what_is_granted_is_so_until_the_word_of_the_hop_before_ends() -> None:
    assert granted_until(path(1, 60, 600)) == NOW + 60
    assert granted_until(path(2, 60, 600, 6)) == NOW + 600
    assert granted_until(path(0, 60, 600)) == granted_until(path(1, None, 600)) == 0
