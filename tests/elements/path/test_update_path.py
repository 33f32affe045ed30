"""W §1.6, every branch."""

from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsm.api.connection import RESELECT_REQUESTED, Connection, Path, Request, Segment
from nsm.api.validate import MOST_HOPS
from nsm.elements.path import UpdatePath
from nsm.errors import Invalid
from nsm.sdk import Call, Handler
from nsm.sdk.testing import Recorder


def hop(name: str, end: Recorder) -> Handler:
    numbers = count(1)
    return UpdatePath(name, lambda: f"{name}-{next(numbers)}").bind(end)


def conn(*segments: tuple[str, str], at: int = 0) -> Connection:
    path = Path(at, tuple(Segment(name, id) for name, id in segments))
    return Connection(id=segments[at][1] if at < len(segments) else "", path=path)


async def seen(name: str, asked: Connection) -> tuple[Connection, Connection]:
    """What the next element saw, and what the asker got."""
    end = Recorder()
    answer = await hop(name, end).request(Call(), Request(asked))
    return end.requests[0].connection, answer


async def test_the_first_hop_starts_the_path_with_the_id_it_was_given() -> None:
    below, answer = await seen("nsc", Connection("nsc-0"))
    assert below == answer == conn(("nsc", "nsc-0"))


async def test_the_first_hop_makes_an_id_where_there_is_none() -> None:
    below, _ = await seen("nsc", Connection())
    assert below == conn(("nsc", "nsc-1"))


async def test_a_hop_entered_twice_takes_one_segment() -> None:
    asked = conn(("nsc", "a"), ("nm", "b"), at=1)
    below, answer = await seen("nm", replace(asked, id="whatever"))
    assert below == answer == asked


async def test_a_new_hop_appends_itself_and_the_asker_gets_its_own_view_back() -> None:
    below, answer = await seen("nm", conn(("nsc", "a")))
    assert below == conn(("nsc", "a"), ("nm", "nm-1"), at=1)
    assert answer == conn(("nsc", "a"), ("nm", "nm-1"), at=0)


async def test_a_known_hop_keeps_its_id() -> None:
    below, _ = await seen("nm", conn(("nsc", "a"), ("nm", "b"), ("nse", "c")))
    assert below == conn(("nsc", "a"), ("nm", "b"), ("nse", "c"), at=1)


async def test_a_hop_in_place_of_another_takes_a_new_id_and_keeps_what_follows() -> None:
    below, _ = await seen("fwd2", conn(("nm", "a"), ("fwd", "b"), ("nse", "c")))
    assert below == conn(("nm", "a"), ("fwd2", "fwd2-1"), ("nse", "c"), at=1)


async def test_a_close_enters_the_hop_in_the_same_way() -> None:
    end = Recorder()
    await hop("nm", end).close(Call(), conn(("nsc", "a"), ("nm", "b")))
    assert end.heard == [("close", conn(("nsc", "a"), ("nm", "b"), at=1))]


async def test_an_answer_too_short_to_hold_the_asker_is_left_as_it_is() -> None:
    class Forgetful(Recorder):
        async def request(self, call: Call, request: Request) -> Connection:
            return Connection("x")

    answer = await hop("nm", Forgetful()).request(Call(), Request(conn(("nsc", "a"))))
    assert answer == Connection("x")


@pytest.mark.parametrize(
    "wrong",
    [
        conn(("nsc", "a"), at=1),
        conn(("nsc", "a"), at=2**32 - 1),
        replace(conn(("nsc", "a")), id="b"),
        conn(*[("x", "y")] * MOST_HOPS, at=MOST_HOPS - 1),
        conn(*[("x", "y")] * (MOST_HOPS + 1)),
    ],
    ids=["beyond the end", "far beyond", "another id", "full", "too long"],
)
async def test_a_path_that_cannot_be_is_refused(wrong: Connection) -> None:
    end = Recorder()
    with pytest.raises(Invalid):
        await hop("nm", end).request(Call(), Request(wrong))
    with pytest.raises(Invalid):
        await hop("nm", end).close(Call(), wrong)
    assert end.heard == []


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=5), st.integers(0, 6), st.text())
async def test_whatever_the_path_the_asker_gets_its_view_back_or_a_refusal(
    names: list[str], at: int, id: str
) -> None:
    asked = replace(conn(*((name, f"{i}") for i, name in enumerate(names)), at=at), id=id)
    try:
        below, answer = await seen("nm", asked)
    except Invalid:
        assert at >= len(names) or id != str(at)
        return
    assert (answer.id, answer.hops.index) == (asked.id, asked.hops.index)
    assert below.hops.segments[below.hops.index] == Segment("nm", below.id)
    assert answer.hops.segments[: at + 1] == asked.hops.segments[: at + 1]


async def test_one_that_succeeds_another_goes_on_under_its_id() -> None:
    asked = conn(("nm", "b"), ("old", "c"), ("nse", "d"))
    end = Recorder()
    await UpdatePath("heir", succeeds=True).bind(end).request(Call(), Request(asked))
    (below,) = end.requests
    assert below.connection == conn(("nm", "b"), ("heir", "c"), ("nse", "d"), at=1)


@pytest.mark.parametrize(
    ("asked", "newcomer"),
    [
        (conn(("nm", "b")), False),
        (conn(("nm", "b"), ("heir", "c")), False),
        (conn(("heir", "b"), ("nse", "c")), False),
        (conn(("nm", "b"), ("old", "c"), ("heir", "d")), True),
        (Connection("a"), False),
    ],
)
async def test_who_takes_anothers_place_is_a_newcomer_unless_it_succeeds_that_one(
    asked: Connection, newcomer: bool
) -> None:
    end = Recorder()
    for succeeds in (False, True):
        element = UpdatePath("heir", succeeds=succeeds)
        await element.bind(end).request(Call(newcomer=not newcomer), Request(asked))
    assert [call.newcomer for call in end.calls] == [newcomer, False]


@pytest.mark.parametrize(
    ("asked", "goes_on"),
    [
        (conn(("nm", "b"), ("heir", "c"), ("nse", "d")), True),
        (conn(("heir", "b"), ("nse", "c")), True),
        (conn(("nm", "b"), ("heir", "c")), False),
        (conn(("nm", "b"), ("old", "c"), ("nse", "d")), False),
        (replace(conn(("nm", "b"), ("heir", "c"), ("nse", "d")), state=RESELECT_REQUESTED), False),
        (Connection("a"), False),
    ],
)
async def test_what_was_led_on_from_here_before_goes_on_unless_another_way_is_wanted(
    asked: Connection, goes_on: bool
) -> None:
    end = Recorder()
    await UpdatePath("heir").bind(end).request(Call(goes_on=not goes_on), Request(asked))
    assert [call.goes_on for call in end.calls] == [goes_on]
