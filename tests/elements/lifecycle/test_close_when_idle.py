import asyncio

import pytest

from nsm.api.connection import Connection, Request
from nsm.elements.lifecycle import Begin, CloseWhenIdle
from nsm.errors import Unreachable
from nsm.sdk import Call, Handler, Tasks, chain
from nsm.sdk.clock import LoopClock
from nsm.sdk.testing import Lifetime, Recorder

pytestmark = pytest.mark.looptime


def start(said: list[str]) -> tuple[Handler, CloseWhenIdle, Recorder]:
    end, clock = Recorder(), LoopClock()
    idle = CloseWhenIdle(10, lambda: said.append("idle"), clock)
    idle.start()
    return chain(Begin(Tasks(), clock), idle).bind(end), idle, end


async def test_whom_nobody_needs_says_so_and_takes_nobody_any_more() -> None:
    said: list[str] = []
    entry, _, end = start(said)
    await asyncio.sleep(11)
    assert said == ["idle"]
    with pytest.raises(Unreachable):
        await entry.request(Call(), Request(Connection("c")))
    assert end.heard == []


async def test_the_time_runs_only_without_connections() -> None:
    said: list[str] = []
    entry, _, _ = start(said)
    await entry.request(Call(), Request(Connection("a")))
    await entry.request(Call(), Request(Connection("a")))
    await entry.request(Call(), Request(Connection("b")))
    await asyncio.sleep(100)
    await entry.close(Call(), Connection("a"))
    await asyncio.sleep(100)
    await entry.close(Call(), Connection("b"))
    await asyncio.sleep(9)
    assert said == []
    await asyncio.sleep(2)
    assert said == ["idle"]


async def test_a_request_that_failed_leaves_nobody() -> None:
    said: list[str] = []
    entry, _, end = start(said)
    end.failing = Unreachable("no")
    with pytest.raises(Unreachable):
        await entry.request(Call(), Request(Connection("a")))
    await asyncio.sleep(11)
    assert said == ["idle"]


async def test_whoever_may_be_idle_for_ever_stays() -> None:
    clock, left = LoopClock(), list[bool]()
    element = CloseWhenIdle(0, lambda: left.append(True), clock)
    element.start()
    life = Lifetime()
    entry = element.bind(Recorder())
    await entry.request(life.call, Request(Connection("c")))
    await entry.close(life.call, Connection("c"))
    await clock.sleep(3600)
    assert left == []
