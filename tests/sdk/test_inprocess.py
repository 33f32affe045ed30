"""A channel inside one process is to be told from a socket by nothing but its speed."""

import asyncio
import gc
import logging
import warnings
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from tests.leaving import nothing_holds_itself

from nsm.api.connection import Connection, Request
from nsm.api.monitoring import INITIAL_STATE_TRANSFER, UPDATE, Selector
from nsm.api.registration import Answer, Endpoint, Query
from nsm.errors import Denied, NsmError, TooLate, Unimplemented, Unreachable
from nsm.sdk import Call, Life, Offer, Peer, Tasks
from nsm.sdk.call import TokenPath
from nsm.sdk.clock import LoopClock
from nsm.sdk.events import Events
from nsm.sdk.inprocess import InProcess
from nsm.sdk.streams import reading
from nsm.sdk.testing import Recorder, party

pytestmark = pytest.mark.looptime

ASKED = Request(Connection("c"))


def way(offer: Offer) -> InProcess:
    clock = LoopClock()
    theirs = Peer("spiffe://test/callee")
    return InProcess(offer, party("spiffe://test/caller", clock), lambda: theirs, Tasks(), clock)


class Slow(Recorder):
    """Takes a minute, and a second to undo."""

    undone = False

    async def request(self, call: Call, request: Request) -> Connection:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(1)
            self.undone = True
            raise
        return await super().request(call, request)


async def test_the_callee_sees_what_a_wire_would_carry_and_nothing_else() -> None:
    end = Recorder()
    channel = way(Offer(connections=end))

    async def again(change: object) -> None:
        return None

    call = Call(Peer("someone"), deadline=7.0, to="url", channel=channel)
    call = call.within(Life(lambda: None, lambda: None, again))
    await channel.connections.request(call, ASKED)
    await channel.connections.close(call, ASKED.connection)
    for theirs in end.calls:
        assert theirs.peer == Peer("spiffe://test/caller")
        assert theirs.token
        assert theirs.token.text == "spiffe://test/caller->spiffe://test/callee"
        assert (theirs.deadline, theirs.to, theirs.channel, theirs.begun) == (7.0, "", None, False)
    assert channel.peer == Peer("spiffe://test/callee")
    assert end.verbs == ["request c", "close c"]


async def test_a_failure_does_not_hold_itself() -> None:
    class Refuse(Recorder):
        async def request(self, call: Call, request: Request) -> Connection:
            raise Denied("no")

    channel = way(Offer(connections=Refuse()))
    async with nothing_holds_itself():
        with suppress(Denied):
            await channel.connections.request(Call(), ASKED)


async def test_a_caller_that_gives_up_does_not_wait_for_the_callees_undo() -> None:
    end = Slow()
    asking = asyncio.create_task(way(Offer(connections=end)).connections.request(Call(), ASKED))
    await asyncio.sleep(1)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert asyncio.get_running_loop().time() == 1
    await asyncio.sleep(2)
    assert end.undone


async def test_a_callee_that_ends_before_it_began_leaves_no_work_behind() -> None:
    """Work that nobody awaits is a warning when it is collected, and warnings are errors here."""
    channel = way(Offer(connections=Recorder()))
    asking = asyncio.create_task(channel.connections.request(Call(), ASKED))
    await asyncio.sleep(0)
    await channel._tasks.stop()
    with pytest.raises(Unreachable):
        await asking
    with warnings.catch_warnings(record=True) as noticed:
        warnings.simplefilter("always")
        gc.collect()
    assert not noticed


async def test_a_deadline_ends_the_callees_work_and_the_callers_wait() -> None:
    end = Slow()
    with pytest.raises(TooLate):
        await way(Offer(connections=end)).connections.request(Call(deadline=5.0), ASKED)
    assert asyncio.get_running_loop().time() == 5
    await asyncio.sleep(2)
    assert end.undone


async def test_a_failure_arrives_as_a_copy_that_says_where_it_was() -> None:
    failure = Denied("no", fix="ask nicely")
    failure.add_note("a secret of the callee's")
    with pytest.raises(Denied) as caught:
        await way(Offer(connections=Recorder(failing=failure))).connections.request(Call(), ASKED)
    assert caught.value is not failure
    assert str(caught.value) == "spiffe://test/callee: no (fix: ask nicely)"
    assert not getattr(caught.value, "__notes__", [])


async def test_the_hop_that_failed_first_is_the_one_that_is_named() -> None:
    failing = Recorder(failing=Denied("no", hop="far away"))
    with pytest.raises(Denied) as caught:
        await way(Offer(connections=failing)).connections.request(Call(), ASKED)
    assert caught.value.hop == "far away"


async def test_a_bug_in_the_callee_is_internal_and_logged_there(
    caplog: pytest.LogCaptureFixture,
) -> None:
    failing = Recorder(failing=ZeroDivisionError("a detail"))
    with caplog.at_level(logging.ERROR), pytest.raises(NsmError) as caught:
        await way(Offer(connections=failing)).connections.request(Call(), ASKED)
    assert caught.value.status == "INTERNAL"
    assert "a detail" not in str(caught.value)
    assert "a detail" in caplog.text


async def test_what_is_not_offered_is_unimplemented() -> None:
    channel = way(Offer())
    with pytest.raises(Unimplemented):
        await channel.connections.request(Call(), ASKED)
    with pytest.raises(Unimplemented):
        channel.monitor.watch(Call(), Selector())
    with pytest.raises(Unimplemented):
        channel.endpoints.find(Call(), Query(Endpoint()))


async def test_the_callees_death_fails_what_is_under_way_and_what_comes_later() -> None:
    channel = way(Offer(connections=Slow(), monitor=Events()))
    asking = asyncio.create_task(channel.connections.request(Call(), ASKED))
    async with reading(channel.monitor.watch(Call(), Selector())) as events:
        assert (await anext(events)).type == INITIAL_STATE_TRANSFER
        watching = asyncio.ensure_future(anext(events))
        await asyncio.sleep(1)
        channel.sever()
        for doomed in (asking, watching, channel.connections.request(Call(), ASKED)):
            with pytest.raises(Unreachable, match="gone"):
                await doomed


async def test_events_pass_and_a_clean_end_is_an_end() -> None:
    events = Events()
    kinds: list[int] = []
    async with reading(way(Offer(monitor=events)).monitor.watch(Call(), Selector())) as told:
        async for event in told:
            kinds.append(event.type)
            if event.type == INITIAL_STATE_TRANSFER:
                events.publish(Connection("a"))
            else:
                events.stop()
    assert kinds == [INITIAL_STATE_TRANSFER, UPDATE]


async def test_who_leaves_a_stream_leaves_the_callee_too() -> None:
    events = Events()
    async with reading(way(Offer(monitor=events)).monitor.watch(Call(), Selector())) as told:
        await anext(told)
        assert len(events._watchers) == 1
    assert len(events._watchers) == 0


class Names:
    """A registry that signs the token path and finds what it is asked for."""

    async def register(self, call: Call, record: Endpoint) -> Endpoint:
        assert call.tokens
        call.tokens.tokens.append("theirs")
        return record

    async def find(self, call: Call, query: Query[Endpoint]) -> AsyncIterator[Answer[Endpoint]]:
        yield Answer(query.like)
        if query.like.name == "forbidden":
            raise Denied("no")

    async def unregister(self, call: Call, record: Endpoint) -> None:
        await self.register(call, record)


async def test_the_token_path_goes_there_and_comes_back() -> None:
    endpoints = way(Offer(endpoints=Names())).endpoints
    call = Call(tokens=TokenPath(0, ["ours"]))
    ours = call.tokens
    await endpoints.register(call, Endpoint("nse"))
    await endpoints.unregister(call, Endpoint("nse"))
    assert ours
    assert (ours is call.tokens, ours.tokens) == (True, ["ours", "theirs", "theirs"])


async def test_what_is_found_comes_one_by_one_and_so_does_a_failure() -> None:
    endpoints = way(Offer(endpoints=Names())).endpoints
    found = [answer.record.name async for answer in endpoints.find(Call(), Query(Endpoint("nse")))]
    assert found == ["nse"]
    with pytest.raises(Denied):
        [answer async for answer in endpoints.find(Call(), Query(Endpoint("forbidden")))]
