"""What is flat, and what grows."""

import pytest

from .flat import DESCRIPTORS, MEMORY, Counts, courses


def looks(kind: str, *values: float) -> list[Counts]:
    return [{("node", kind): value} for value in values]


def flat(kind: str, *values: float) -> bool:
    [course] = courses(looks(kind, *values))
    return course.flat


def test_one_more_at_each_look_grows() -> None:
    assert not flat(DESCRIPTORS, *range(40, 52))


def test_what_only_goes_up_and_down_is_flat() -> None:
    assert flat(DESCRIPTORS, *(40, 43, 41, 42) * 3)


def test_what_is_seen_once_in_a_while_is_no_growth() -> None:
    assert flat(DESCRIPTORS, *[40] * 11, 400)


def test_what_sways_is_flat_as_long_as_its_floor_is_where_it_was() -> None:
    assert flat(DESCRIPTORS, *[40, 40, 44, 45] * 2, *[40, 40, 49, 50])
    assert not flat(DESCRIPTORS, *[40, 40, 44, 45] * 2, *[43, 43, 49, 50])


def test_what_was_there_before_is_no_growth() -> None:
    assert flat(DESCRIPTORS, *[50] * 4, *[46] * 4, *[51] * 4)


def test_memory_that_was_given_back_and_taken_again_grows() -> None:
    assert not flat(MEMORY, *[52.0] * 4, *[50.0] * 4, *[51.5] * 4)


def test_one_more_at_every_fourth_look_grows() -> None:
    assert not flat(DESCRIPTORS, *(40 + n // 4 for n in range(48)))


def test_warming_up_is_no_growth() -> None:
    assert flat(DESCRIPTORS, 10, 20, 30, 40, *[40] * 8)


def test_memory_may_grow_by_a_little_and_no_more() -> None:
    assert flat(MEMORY, *[50.0] * 8, *[50.9] * 4)
    assert not flat(MEMORY, *[50.0] * 8, *[51.1] * 4)


def test_whoever_was_not_there_all_the_time_is_left_out() -> None:
    late: list[Counts] = [{}] * 4 + looks(DESCRIPTORS, *range(8))
    assert not list(courses(late))


def test_too_few_looks_tell_nothing() -> None:
    with pytest.raises(ValueError, match="too few"):
        list(courses(looks(DESCRIPTORS, 1, 2)))
