"""Ask a registry until it answers."""

import asyncio
from itertools import pairwise

import pytest

from nsm.api.registration import Answer, Endpoint, Query
from nsm.elements.registry import RetryRegistry
from nsm.errors import Denied, Invalid, TooLate, Unimplemented, Unreachable
from nsm.sdk import Call
from nsm.sdk.testing.recording_registry import RecordingRegistry

pytestmark = pytest.mark.looptime
NSE = Endpoint(name="e")
GONE = Unreachable("gone")


async def test_it_asks_until_it_is_answered(clock) -> None:
    end = RecordingRegistry[Endpoint]()
    registry = RetryRegistry(clock).bind(end)
    end.failing = [GONE] * 5
    assert await registry.register(Call(), NSE) == NSE
    assert len(end.heard) == 6
    end.failing = [GONE] * 5
    await registry.unregister(Call(), NSE)
    assert end.verbs[6:] == ["unregister e"] * 6


async def test_pauses_grow_from_a_fifth_of_a_second_to_five(clock) -> None:
    times: list[float] = []

    class Timed(RecordingRegistry[Endpoint]):
        async def register(self, call: Call, record: Endpoint) -> Endpoint:
            times.append(clock.ticks())
            return await super().register(call, record)

    end = Timed()
    end.failing = [GONE] * 12
    await RetryRegistry(clock).bind(end).register(Call(), NSE)
    pauses = [after - before for before, after in pairwise(times)]
    assert 0.1 <= pauses[0] <= 0.2
    assert all(2.5 <= pause <= 5 for pause in pauses[6:])


async def test_each_try_has_its_own_time(clock) -> None:
    end = RecordingRegistry[Endpoint]()
    end.failing = [GONE]
    await RetryRegistry(clock, 15).bind(end).register(Call(deadline=clock.ticks() + 100), NSE)
    assert end.calls[0].deadline == pytest.approx(15)
    assert 15.1 <= end.calls[1].deadline <= 15.2 + 1e-6
    end.failing = [GONE]
    await RetryRegistry(clock, 15).bind(end).register(Call(deadline=clock.ticks() + 3), NSE)
    assert end.calls[-1].deadline == end.calls[-2].deadline


async def test_a_try_that_hangs_is_given_up(clock) -> None:
    class Hangs(RecordingRegistry[Endpoint]):
        async def register(self, call: Call, record: Endpoint) -> Endpoint:
            answer = await super().register(call, record)
            if len(self.heard) == 1:
                await asyncio.Event().wait()
            return answer

    end = Hangs()
    began = clock.ticks()
    await RetryRegistry(clock, 15).bind(end).register(Call(), NSE)
    assert 15.1 <= clock.ticks() - began <= 15.3


async def test_the_callers_time_ends_it_with_what_went_wrong(clock) -> None:
    end = RecordingRegistry[Endpoint]()
    end.failing = [GONE] * 100
    began = clock.ticks()
    with pytest.raises(Unreachable):
        await RetryRegistry(clock).bind(end).register(Call(deadline=began + 3), NSE)
    assert clock.ticks() - began <= 3
    assert len(end.heard) > 3


@pytest.mark.parametrize("error", [Denied("no"), Invalid("no"), Unimplemented("no")])
async def test_a_final_answer_is_final(clock, error) -> None:
    end = RecordingRegistry[Endpoint]()
    registry = RetryRegistry(clock).bind(end)
    end.failing = [error] * 3
    with pytest.raises(type(error)):
        await registry.register(Call(), NSE)
    with pytest.raises(type(error)):
        await registry.unregister(Call(), NSE)
    with pytest.raises(type(error)):
        await anext(registry.find(Call(), Query(NSE)))
    assert len(end.heard) == 3


async def test_it_stops_at_once_when_told_to(clock, tasks) -> None:
    end = RecordingRegistry[Endpoint]()
    end.failing = [GONE] * 1000
    task = tasks.start("register", RetryRegistry(clock).bind(end).register(Call(), NSE))
    await clock.sleep(10)
    heard = len(end.heard)
    task.cancel()
    await clock.sleep(100)
    assert len(end.heard) == heard


async def test_a_find_is_asked_until_its_first_answer(clock) -> None:
    end = RecordingRegistry[Endpoint](Answer(NSE))
    end.failing = [GONE] * 3
    registry = RetryRegistry(clock).bind(end)
    assert [a.record async for a in registry.find(Call(), Query(NSE))] == [NSE]
    assert len(end.heard) == 4
    assert end.calls[0].deadline == pytest.approx(15)


async def test_a_find_that_finds_nothing_is_answered(clock) -> None:
    end = RecordingRegistry[Endpoint]()
    assert [a async for a in RetryRegistry(clock).bind(end).find(Call(), Query(NSE))] == []
    assert len(end.heard) == 1


async def test_a_watch_has_no_time_but_the_callers_and_breaks_when_it_breaks(
    clock, listen, settle
) -> None:
    end = RecordingRegistry[Endpoint](Answer(NSE))
    end.failing = [GONE]
    registry = RetryRegistry(clock, 15).bind(end)
    heard = listen(registry.find(Call(), Query(NSE, watch=True)))
    await clock.sleep(100)
    assert heard == ["e"]
    assert end.calls[-1].deadline is None
    end.lose(TooLate("x"))
    await settle()
    assert isinstance(heard.error, TooLate)
