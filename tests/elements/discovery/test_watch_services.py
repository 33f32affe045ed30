"""Services that change while connections stand."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from nsm.api.registration import Answer, Destination, Match, NetworkService, Query
from nsm.elements.discovery.watch_services import PAUSE, WatchServices
from nsm.errors import Unreachable
from nsm.sdk import Call, Connection, Request, Tasks
from nsm.sdk.clock import LoopClock
from nsm.sdk.testing import Lifetime, Recorder

pytestmark = pytest.mark.looptime

OPEN = NetworkService("s", "IP")
CHOOSY = NetworkService("s", "IP", (Match({}, (Destination({"app": "vpn"}),)),))


@dataclass
class Watched:
    """A registry whose watchers hear what a test says."""

    now: Answer[NetworkService] = field(default_factory=lambda: Answer(OPEN))
    ears: list[asyncio.Queue] = field(default_factory=list)
    opened: int = 0

    async def find(self, call: Call, query: Query) -> AsyncIterator[Answer]:
        assert query.watch
        self.opened += 1
        ear: asyncio.Queue = asyncio.Queue()
        self.ears.append(ear)
        try:
            yield self.now
            while True:
                said = await ear.get()
                if isinstance(said, Exception):
                    raise said
                yield said
        finally:
            self.ears.remove(ear)

    async def say(self, said) -> None:
        if isinstance(said, Answer):
            self.now = said
        for ear in self.ears:
            ear.put_nowait(said)
        await asyncio.sleep(0.01)


@pytest.fixture
async def tasks():
    tasks = Tasks()
    yield tasks
    await tasks.stop()


@pytest.fixture
def watched() -> Watched:
    return Watched()


@pytest.fixture
def entry(watched, endpoints, endpoint, tasks):
    endpoints.records = [endpoint("nse-1")]
    return WatchServices(watched, endpoints, LoopClock(), tasks).bind(Recorder())


def conn(id: str = "c") -> Connection:
    return Connection(id, network_service="s", endpoint="nse-1")


async def test_a_connection_whose_endpoint_no_longer_matches_is_closed(entry, watched) -> None:
    lifetime = Lifetime()
    await entry.request(lifetime.call, Request(conn()))
    await asyncio.sleep(1)
    assert not lifetime.asked
    await watched.say(Answer(CHOOSY))
    assert lifetime.asked == ["close"]


async def test_one_whose_endpoint_still_matches_or_is_gone_stands(
    entry, watched, endpoints, endpoint
) -> None:
    lifetime = Lifetime()
    await entry.request(lifetime.call, Request(conn()))
    endpoints.records = [endpoint("nse-1", app="vpn")]
    await watched.say(Answer(CHOOSY))
    endpoints.records = []
    await watched.say(Answer(CHOOSY))
    await watched.say(Answer(OPEN, deleted=True))
    endpoints.failing = Unreachable("no registry")
    await watched.say(Answer(CHOOSY))
    assert not lifetime.asked


async def test_a_thousand_connections_are_one_watch_and_it_ends_with_the_last(
    entry, watched, tasks
) -> None:
    lives = {str(n): Lifetime() for n in range(1000)}
    for id, lifetime in lives.items():
        await entry.request(lifetime.call, Request(conn(id)))
    await asyncio.sleep(0.01)
    assert watched.opened == 1
    for id, lifetime in lives.items():
        await entry.close(lifetime.call, conn(id))
    await asyncio.sleep(0.01)
    assert not watched.ears
    assert not len(tasks)


async def test_a_closed_connection_is_not_closed_again(entry, watched) -> None:
    gone, stays = Lifetime(), Lifetime()
    await entry.request(gone.call, Request(conn("a")))
    await entry.request(stays.call, Request(conn("b")))
    await entry.close(gone.call, conn("a"))
    await watched.say(Answer(CHOOSY))
    assert not gone.asked
    assert stays.asked == ["close"]


async def test_a_lost_watch_is_opened_again_and_sees_what_it_missed(entry, watched) -> None:
    lifetime = Lifetime()
    await entry.request(lifetime.call, Request(conn()))
    await asyncio.sleep(0.01)
    watched.now = Answer(CHOOSY)
    await watched.say(Unreachable("registry gone"))
    await asyncio.sleep(PAUSE)
    assert watched.opened == 2
    assert lifetime.asked == ["close"]


async def test_a_change_during_a_request_is_not_missed(watched, endpoints, endpoint, tasks) -> None:
    endpoints.records = [endpoint("nse-1")]

    class Slow(Recorder):
        async def request(self, call: Call, request: Request) -> Connection:
            await asyncio.sleep(1)
            return request.connection

    entry = WatchServices(watched, endpoints, LoopClock(), tasks).bind(Slow())
    first, second = Lifetime(), Lifetime()
    await entry.request(first.call, Request(conn("a")))
    asking = asyncio.ensure_future(entry.request(second.call, Request(conn("b"))))
    await asyncio.sleep(0.5)
    await watched.say(Answer(CHOOSY))
    await asking
    await asyncio.sleep(0.01)
    assert second.asked == ["close"]


async def test_a_request_that_fails_is_not_watched(watched, endpoints, tasks) -> None:
    end = Recorder(failing=Unreachable("no"))
    entry = WatchServices(watched, endpoints, LoopClock(), tasks).bind(end)
    with pytest.raises(Unreachable):
        await entry.request(Lifetime().call, Request(conn()))
    assert not len(tasks)
