import asyncio

import pytest

from nsm.api.connection import Connection, Request
from nsm.elements.lifecycle import Retry
from nsm.errors import Denied, Invalid, TooLate, Unreachable
from nsm.sdk import Call, Element, Handler, chain
from nsm.sdk.clock import LoopClock
from nsm.sdk.testing import Recorder

pytestmark = pytest.mark.looptime

ASKED = Request(Connection("c"))


class FailTimes(Element):
    def __init__(self, times: int, seconds: float = 0.0) -> None:
        self.times = times
        self.seconds = seconds

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        conn = await next.request(call, request)
        await asyncio.sleep(self.seconds)
        self.times -= 1
        if self.times >= 0:
            raise Unreachable("not yet")
        return conn


async def test_what_fails_is_tried_until_it_succeeds() -> None:
    end = Recorder()
    entry = chain(Retry(LoopClock()), FailTimes(3)).bind(end)
    assert await entry.request(Call(), ASKED) == Connection("c")
    assert end.verbs == ["request c"] * 4
    assert asyncio.get_running_loop().time() <= 0.2 + 0.4 + 0.8


async def test_a_long_outage_is_not_met_with_a_storm() -> None:
    end = Recorder(failing=Unreachable("no"))
    entry = chain(Retry(LoopClock())).bind(end)
    with pytest.raises(Unreachable):
        await entry.request(Call(deadline=600.0), ASKED)
    assert 100 <= len(end.verbs) <= 260
    assert asyncio.get_running_loop().time() <= 600


async def test_one_try_takes_no_longer_than_it_may() -> None:
    end = Recorder()
    entry = chain(Retry(LoopClock(), each=15), FailTimes(0, seconds=60)).bind(end)
    with pytest.raises(TooLate):
        await entry.request(Call(deadline=40.0), ASKED)
    assert end.calls[0].deadline == 15
    assert len(end.verbs) == 3


async def test_what_can_never_succeed_is_not_tried_again() -> None:
    end = Recorder(failing=Invalid("nonsense"))
    with pytest.raises(Invalid):
        await chain(Retry(LoopClock())).bind(end).request(Call(), ASKED)
    assert end.verbs == ["request c"]


async def test_it_stops_when_told() -> None:
    end = Recorder(failing=Unreachable("no"))
    asking = asyncio.create_task(chain(Retry(LoopClock())).bind(end).request(Call(), ASKED))
    await asyncio.sleep(30)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    tries = len(end.verbs)
    await asyncio.sleep(60)
    assert len(end.verbs) == tries


async def test_who_is_refused_asks_twice_a_minute_and_not_more() -> None:
    end = Recorder(failing=Denied("no"))
    asking = asyncio.create_task(chain(Retry(LoopClock())).bind(end).request(Call(), ASKED))
    await asyncio.sleep(29.9)
    assert len(end.verbs) == 1
    await asyncio.sleep(60)
    assert len(end.verbs) == 3
    end.failing = None
    assert await asking == Connection("c")
