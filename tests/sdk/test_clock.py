import asyncio

import pytest

from nsm.sdk.clock import LoopClock

pytestmark = pytest.mark.looptime


async def test_an_alarm_rings_when_the_wall_shows_its_time() -> None:
    clock, rang = LoopClock(), []
    clock.at(clock.now() + 10, lambda: rang.append(clock.ticks()))
    clock.after(20, lambda: rang.append(clock.ticks()))
    await asyncio.sleep(30)
    assert rang == [10, 20]


async def test_an_alarm_for_a_time_that_has_passed_rings_at_once() -> None:
    clock, rang = LoopClock(), []
    clock.at(clock.now() - 10, lambda: rang.append(clock.ticks()))
    await clock.sleep(1)
    assert rang == [0]


async def test_an_alarm_that_was_cancelled_does_not_ring() -> None:
    clock, rang = LoopClock(), []
    clock.after(1, lambda: rang.append("rang")).cancel()
    await clock.sleep(2)
    assert rang == []


async def test_a_skewed_wall_is_wrong_by_as_much() -> None:
    assert LoopClock(skew=90).now() - LoopClock().now() == 90
