"""Telling everyone who watches, at the pace of each."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsm.api.registration import Answer, Endpoint
from nsm.elements.registry.watchers import Watcher, Watchers
from nsm.errors import Exhausted

EVENTS = st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=40)


def events(said: list[tuple[str, bool]]) -> list[Answer[Endpoint]]:
    return [Answer(Endpoint(name=n, url=str(i)), deleted=d) for i, (n, d) in enumerate(said)]


async def told(watcher: Watcher[Endpoint]) -> list[Answer[Endpoint]]:
    async with asyncio.timeout(0.1):
        return list(await watcher.due())


@given(EVENTS.filter(bool))
async def test_a_slow_watcher_is_told_every_final_state_in_order(
    said: list[tuple[str, bool]],
) -> None:
    watcher = Watcher(Endpoint(), 100)
    happened = events(said)
    for answer in happened:
        watcher.tell(answer)
    heard = await told(watcher)
    last = {answer.record.name: answer for answer in happened}
    assert {a.record.name: a for a in heard} == last
    places = [happened.index(answer) for answer in heard]
    assert places == sorted(places)
    assert len(heard) <= 2 * len(last)


@given(EVENTS.filter(bool))
async def test_no_deletion_is_lost_unless_a_later_one_says_the_same(
    said: list[tuple[str, bool]],
) -> None:
    watcher = Watcher(Endpoint(), 100)
    happened = events(said)
    for answer in happened:
        watcher.tell(answer)
    heard = await told(watcher)
    last_deletions = {a.record.name: a for a in happened if a.deleted}
    assert {a.record.name: a for a in heard if a.deleted} == last_deletions


async def test_a_quick_watcher_is_told_each_event() -> None:
    watcher = Watcher(Endpoint(), 100)
    for answer in events([("a", False), ("a", False), ("a", True)]):
        watcher.tell(answer)
        assert await told(watcher) == [answer]


async def test_a_watcher_that_never_reads_is_given_up_before_it_costs_too_much() -> None:
    watcher = Watcher(Endpoint(), 10)
    for number in range(100):
        watcher.tell(Answer(Endpoint(name=f"n{number}")))
        assert len(watcher._due) <= 10
    with pytest.raises(Exhausted):
        await watcher.due()


async def test_everyone_is_told_with_one_and_the_same_answer() -> None:
    watchers = Watchers[Endpoint](10, 10)
    everyone = [
        watchers.join(Endpoint(), ()),
        watchers.join(Endpoint(name="a"), ()),
        watchers.join(Endpoint(network_service_names=("x",)), ()),
    ]
    answer = Answer(Endpoint(name="a", network_service_names=("x", "y")))
    watchers.tell(answer)
    for watcher in everyone:
        assert [heard is answer for heard in await told(watcher)] == [True]


async def test_nobody_is_told_what_they_did_not_ask_for() -> None:
    watchers = Watchers[Endpoint](10, 10)
    unlike = [
        watchers.join(Endpoint(name="b"), ()),
        watchers.join(Endpoint(network_service_names=("z",)), ()),
        watchers.join(Endpoint(network_service_names=("x", "z")), ()),
    ]
    watchers.tell(Answer(Endpoint(name="a", network_service_names=("x", "y"))))
    assert not any(watcher._due for watcher in unlike)


async def test_an_endpoint_that_names_a_service_twice_is_told_once() -> None:
    watchers = Watchers[Endpoint](10, 10)
    watcher = watchers.join(Endpoint(network_service_names=("x",)), ())
    watchers.tell(Answer(Endpoint(name="a", network_service_names=("x", "x"))))
    assert len(await told(watcher)) == 1


async def test_there_are_no_more_watchers_than_allowed_and_none_left_behind() -> None:
    watchers = Watchers[Endpoint](2, 10)
    one, two = (watchers.join(Endpoint(name="a"), ()) for _ in range(2))
    with pytest.raises(Exhausted):
        watchers.join(Endpoint(), ())
    watchers.leave(one)
    watchers.leave(one)
    watchers.leave(two)
    assert not len(watchers)
    assert not watchers._by_key
