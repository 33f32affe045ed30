import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from tests.leaving import ending_tasks

from nsm.api.connection import DOWN, RESELECT_REQUESTED, UP, Connection, Path, Request, Segment
from nsm.api.context import ConnectionContext
from nsm.api.monitoring import DELETE, UPDATE, ConnectionEvent, Selector
from nsm.elements.lifecycle import Begin, Monitor
from nsm.errors import Unreachable
from nsm.sdk import Call, Element, Handler, Peer, chain
from nsm.sdk.clock import LoopClock
from nsm.sdk.events import Events
from nsm.sdk.streams import reading
from nsm.sdk.testing import Recorder
from nsm.sdk.watching import Watching

pytestmark = pytest.mark.looptime

OURS = Connection("nm-1", path=Path(1, (Segment("nsc", "nsc-1"), Segment("nm", "nm-1"))))
THEIRS = Connection("fwd-1", path=Path(2, (*OURS.hops.segments, Segment("fwd", "fwd-1"))))


class Onward(Element):
    """Goes on to a next hop whose events the test makes; a `Channel` as far as monitors go."""

    def __init__(self) -> None:
        self.peer = Peer("spiffe://test/fwd")
        self.monitor = Events()

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        call.life.channel = self
        conn = await next.request(call, request)
        self.monitor.publish(THEIRS)
        return conn


class Told:
    """What one watcher of the manager hears."""

    def __init__(self, events: Events) -> None:
        self.events = events
        self.told: list[tuple[int, int]] = []
        self.conns: list[Connection] = []

    async def listen(self) -> None:
        async with reading(self.events.watch(Call(), Selector())) as events:
            async for event in events:
                self.hear(event)

    def hear(self, event: ConnectionEvent) -> None:
        self.told += [(event.type, conn.state) for conn in event.connections.values()]
        self.conns += event.connections.values()


@pytest.fixture
async def told() -> AsyncIterator[Told]:
    told = Told(Events())
    listening = asyncio.create_task(told.listen())
    await asyncio.sleep(0)
    yield told
    listening.cancel()


def start(events: Events, *onward: Element) -> tuple[Handler, Recorder]:
    end, tasks, clock = Recorder(), ending_tasks(), LoopClock()
    monitor = Monitor(events, Watching("nm", tasks, clock))
    return chain(Begin(tasks, clock), monitor, *onward).bind(end), end


async def test_an_answer_is_an_update_and_a_close_a_delete(told: Told) -> None:
    entry, _ = start(told.events)
    await entry.request(Call(), Request(OURS))
    await asyncio.sleep(0.1)
    await entry.close(Call(), OURS)
    await asyncio.sleep(0.1)
    assert told.told == [(UPDATE, UP), (DELETE, UP)]


async def test_who_watches_is_told_the_very_connection_that_is_answered(told: Told) -> None:
    class Agree(Element):
        async def request(self, call: Call, request: Request, next: Handler) -> Connection:
            conn = await next.request(call, request)
            return replace(conn, endpoint="nse", context=ConnectionContext(mtu=1400))

    entry, _ = start(told.events, Agree())
    conn = await entry.request(Call(), Request(OURS))
    await asyncio.sleep(0.1)
    assert told.conns == [conn]
    assert conn.endpoint == "nse"


async def test_what_was_asked_for_anew_is_told_as_up(told: Told) -> None:
    entry, _ = start(told.events)
    await entry.request(Call(), Request(replace(OURS, state=RESELECT_REQUESTED)))
    await asyncio.sleep(0.1)
    assert told.told == [(UPDATE, UP)]


async def test_a_close_that_failed_is_told_all_the_same(told: Told) -> None:
    class Fail(Element):
        async def close(self, call: Call, conn: Connection, next: Handler) -> None:
            raise Unreachable("gone")

    entry, _ = start(told.events, Fail())
    await entry.request(Call(), Request(OURS))
    with pytest.raises(Unreachable):
        await entry.close(Call(), OURS)
    await asyncio.sleep(0.1)
    assert told.told[-1] == (DELETE, UP)


async def test_a_first_request_that_failed_is_not_told(told: Told) -> None:
    entry, end = start(told.events, Onward())
    end.failing = Unreachable("no")
    with pytest.raises(Unreachable):
        await entry.request(Call(), Request(OURS))
    await asyncio.sleep(0.1)
    assert told.told == []


@pytest.mark.parametrize(("onward", "told_last"), [(True, DOWN), (False, UP)])
async def test_a_failed_refresh_is_down_where_there_is_a_next_hop(
    told: Told, onward: bool, told_last: int
) -> None:
    entry, end = start(told.events, *([Onward()] if onward else []))
    await entry.request(Call(), Request(OURS))
    await asyncio.sleep(0.1)
    end.failing = Unreachable("no")
    with pytest.raises(Unreachable):
        await entry.request(Call(), Request(OURS))
    await asyncio.sleep(0.1)
    assert told.told[-1] == (UPDATE, told_last)


async def test_what_the_next_hop_only_confirms_is_not_told_again(told: Told) -> None:
    entry, _ = start(told.events, Onward())
    for _ in range(3):
        await entry.request(Call(), Request(OURS))
        await asyncio.sleep(2)
    assert told.told == [(UPDATE, UP)] * 3


async def test_the_next_hops_path_context_and_state_are_told_as_our_own(told: Told) -> None:
    onward = Onward()
    entry, _ = start(told.events, onward)
    await entry.request(Call(), Request(OURS))
    await asyncio.sleep(0.1)
    context = ConnectionContext(mtu=1000)
    onward.monitor.publish(replace(THEIRS, state=DOWN, context=context))
    await asyncio.sleep(0.1)
    path = replace(THEIRS.hops, index=1)
    assert told.conns[-1] == replace(OURS, path=path, state=DOWN, context=context)
    onward.monitor.publish(replace(THEIRS, state=DOWN, context=context))
    await asyncio.sleep(0.1)
    assert len(told.conns) == 2


@pytest.mark.parametrize("way", ["deleted", "stopped"])
async def test_a_connection_gone_at_the_next_hop_is_down_here(told: Told, way: str) -> None:
    onward = Onward()
    entry, _ = start(told.events, onward)
    await entry.request(Call(), Request(OURS))
    await asyncio.sleep(0.1)
    if way == "deleted":
        onward.monitor.delete(THEIRS)
    else:
        onward.monitor.stop()
    await asyncio.sleep(0.1)
    assert told.told == [(UPDATE, UP), (UPDATE, DOWN)]


async def test_nothing_is_relayed_of_what_was_closed(told: Told) -> None:
    onward = Onward()
    entry, _ = start(told.events, onward)
    await entry.request(Call(), Request(OURS))
    await entry.close(Call(), OURS)
    onward.monitor.down(THEIRS)
    await asyncio.sleep(5)
    assert [kind for kind, _ in told.told][-1] == DELETE
