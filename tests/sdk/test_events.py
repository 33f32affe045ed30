import asyncio

import pytest

from nsm.api.connection import DOWN, REFRESH_REQUESTED, UP, Connection, Path, Segment
from nsm.api.monitoring import (
    DELETE,
    INITIAL_STATE_TRANSFER,
    UPDATE,
    ConnectionEvent,
    Selector,
)
from nsm.errors import Invalid
from nsm.sdk import Call, Peer
from nsm.sdk.events import MOST_AT_ONCE, Events
from nsm.sdk.streams import reading

EVERYTHING = Selector()


def conn(id: str, state: int = UP, service: str = "svc") -> Connection:
    path = Path(1, (Segment("nsc", f"{id}-0"), Segment("nm", id, token="t")))
    return Connection(id, service, path=path, state=state)


async def first(events: Events, selector: Selector = EVERYTHING) -> ConnectionEvent:
    async with reading(events.watch(Call(), selector)) as told:
        return await anext(told)


async def test_a_watch_begins_with_all_that_is_known_even_if_that_is_nothing() -> None:
    events = Events()
    assert await first(events) == ConnectionEvent(INITIAL_STATE_TRANSFER, {})
    events.publish(conn("a"))
    events.publish(conn("b"))
    events.delete(conn("b"))
    assert await first(events) == ConnectionEvent(INITIAL_STATE_TRANSFER, {"a": conn("a")})


async def test_what_happens_is_told_in_order() -> None:
    events = Events()
    async with reading(events.watch(Call(), EVERYTHING)) as told:
        await anext(told)
        events.publish(conn("a"))
        assert await anext(told) == ConnectionEvent(UPDATE, {"a": conn("a")})
        events.down(conn("a"))
        events.delete(conn("a", DOWN))
        assert await anext(told) == ConnectionEvent(UPDATE, {"a": conn("a", DOWN)})
        assert await anext(told) == ConnectionEvent(DELETE, {"a": conn("a", DOWN)})


async def test_something_unknown_is_deleted_all_the_same() -> None:
    events = Events()
    async with reading(events.watch(Call(), EVERYTHING)) as told:
        await anext(told)
        events.delete(conn("a"))
        assert (await anext(told)).type == DELETE


async def test_what_was_not_selected_is_not_told() -> None:
    events = Events()
    selector = Selector(network_services=("other",))
    events.publish(conn("a"))
    async with reading(events.watch(Call(), selector)) as told:
        assert await anext(told) == ConnectionEvent(INITIAL_STATE_TRANSFER, {})
        events.publish(conn("a", DOWN))
        events.delete(conn("a"))
        events.publish(conn("b", service="other"))
        assert list((await anext(told)).connections) == ["b"]


async def test_a_watcher_that_does_not_read_costs_little_and_misses_no_final_state() -> None:
    events = Events()
    async with reading(events.watch(Call(), EVERYTHING)) as told:
        await anext(told)
        for number in range(10_000):
            events.publish(conn(f"{number % 10}", number // 10 % 2))
        events.publish(conn("3", REFRESH_REQUESTED))
        events.delete(conn("4"))
        (watcher,) = events._watchers
        assert len(watcher.pending) == 22
        last: dict[str, tuple[int, int]] = {}
        events.publish(conn("end"))
        while "end" not in last:
            event = await anext(told)
            last.update({id: (event.type, c.state) for id, c in event.connections.items()})
    assert last["3"] == (UPDATE, REFRESH_REQUESTED)
    assert last["4"] == (DELETE, UP)
    assert {last[id] for id in "0125"} == {(UPDATE, DOWN)}


async def test_a_change_and_a_change_back_are_both_told() -> None:
    events = Events()
    events.publish(conn("a"))
    async with reading(events.watch(Call(), EVERYTHING)) as told:
        await anext(told)
        events.down(conn("a"))
        events.publish(conn("a"))
        states = [(await anext(told)).connections["a"].state for _ in range(2)]
    assert states == [DOWN, UP]


async def test_many_connections_are_told_in_events_that_fit_a_message() -> None:
    events = Events()
    for number in range(2 * MOST_AT_ONCE + 1):
        events.publish(conn(f"{number}"))
    async with reading(events.watch(Call(), EVERYTHING)) as told:
        sizes = [len((await anext(told)).connections) for _ in range(3)]
    assert sizes == [MOST_AT_ONCE, MOST_AT_ONCE, 1]


async def test_a_watch_ends_cleanly_when_the_program_stops_and_is_forgotten() -> None:
    events = Events()

    async def listen() -> list[int]:
        return [event.type async for event in events.watch(Call(), EVERYTHING)]

    listening = asyncio.create_task(listen())
    await asyncio.sleep(0)
    events.publish(conn("a"))
    events.stop()
    assert await listening == [INITIAL_STATE_TRANSFER, UPDATE]
    assert not events._watchers


async def test_a_selector_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(Invalid):
        await first(Events(), Selector(tuple(Segment() for _ in range(1000))))


async def test_who_may_not_see_a_connection_is_refused_nothing_and_told_of_the_others() -> None:
    events = Events(lambda peer, conn: peer is not None and conn.id in peer.id)
    events.publish(conn("a"))
    events.publish(conn("b"))
    async with reading(events.watch(Call(peer=Peer("spiffe://a")), EVERYTHING)) as told:
        assert await anext(told) == ConnectionEvent(INITIAL_STATE_TRANSFER, {"a": conn("a")})
        events.down(conn("b"))
        events.delete(conn("b"))
        events.down(conn("a"))
        assert await anext(told) == ConnectionEvent(UPDATE, {"a": conn("a", DOWN)})
    async with reading(events.watch(Call(peer=Peer("spiffe://c")), EVERYTHING)) as told:
        assert await anext(told) == ConnectionEvent(INITIAL_STATE_TRANSFER, {})
