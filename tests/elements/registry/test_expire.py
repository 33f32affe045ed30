"""Let go of endpoints that are not registered anew in time: W §13.6 and §11.7."""

from dataclasses import replace

import pytest

from nsm.api.registration import Endpoint, Query
from nsm.api.timestamp import Timestamp
from nsm.elements.registry import BeginRegistration, Expire, Remember
from nsm.errors import Unreachable
from nsm.identity.fake import PlainTokens
from nsm.sdk import Call, Peer, Tasks, registry_chain
from nsm.sdk.clock import LoopClock
from nsm.sdk.registry import NowhereElse
from nsm.sdk.testing import Lifetime
from nsm.sdk.testing.recording_registry import RecordingRegistry

pytestmark = pytest.mark.looptime
NSE = Endpoint(name="e")


def token(clock: LoopClock, seconds: float):
    return PlainTokens("spiffe://x/nse", clock, seconds).issue(Peer("spiffe://x/nm"))


def left(clock: LoopClock, nse: Endpoint) -> float:
    assert nse.expiration_time
    return nse.expiration_time.time - clock.now()


@pytest.mark.parametrize(
    ("default", "good_for", "asked", "given"),
    [
        (60, 600, None, 60),
        (60, 30, None, 30),
        (0, 600, None, 600),
        (60, 600, 20, 20),
        (60, 600, 100, 60),
        (60, None, None, 60),
    ],
)
async def test_an_endpoint_is_given_the_smallest_of_all_times(
    clock: LoopClock, default: float, good_for: float, asked: float, given: float
) -> None:
    call = Lifetime(Call(token=token(clock, good_for) if good_for else None)).call
    until = None if asked is None else Timestamp.at(clock.now() + asked)
    nse = replace(NSE, expiration_time=until)
    kept = await Expire(clock, default).bind(NowhereElse()).register(call, nse)
    assert left(clock, kept) == given


async def test_a_smaller_time_answered_is_respected(clock: LoopClock) -> None:
    one, end = Lifetime(), RecordingRegistry[Endpoint]()
    end.change = lambda nse: replace(nse, expiration_time=Timestamp.at(clock.now() + 10))
    kept = await Expire(clock).bind(end).register(one.call, NSE)
    assert left(clock, kept) == 10
    await clock.sleep(9.9)
    assert one.asked == []
    await clock.sleep(0.2)
    assert one.asked == ["close"]


async def test_without_any_bound_there_is_no_expiry(clock: LoopClock) -> None:
    one = Lifetime()
    kept = await Expire(clock, 0).bind(NowhereElse()).register(one.call, NSE)
    assert kept.expiration_time is None
    await clock.sleep(10_000)
    assert one.asked == []


@pytest.mark.parametrize(("patience", "rings"), [(5, 55), (0, 60), (15, 45), (40, 45), (1000, 45)])
async def test_the_alarm_rings_early_by_what_the_caller_would_wait(
    clock: LoopClock, patience: float, rings: float
) -> None:
    deadline = clock.ticks() + patience
    one = Lifetime(Call(deadline=deadline))
    await Expire(clock, 60).bind(NowhereElse()).register(one.call, NSE)
    await clock.sleep(rings - 0.1)
    assert one.asked == []
    await clock.sleep(0.2)
    assert one.asked == ["close"]


async def test_unregistering_cancels_the_alarm(clock: LoopClock) -> None:
    one, registry = Lifetime(), Expire(clock, 60).bind(NowhereElse())
    await registry.register(one.call, NSE)
    await registry.unregister(one.call, NSE)
    await clock.sleep(100)
    assert one.asked == []


def a_registry(clock: LoopClock, tasks: Tasks):
    """Everything an expiry needs to show; the recorder hears what reaches the store."""
    heard = RecordingRegistry[Endpoint]()
    remember = Remember[Endpoint]()
    links = (BeginRegistration[Endpoint](tasks, clock), Expire(clock, 60.0), remember)
    return registry_chain(*links).bind(heard), heard, remember


async def names(registry) -> list[str]:
    return [answer.record.name async for answer in registry.find(Call(), Query(Endpoint()))]


async def test_an_endpoint_that_is_not_refreshed_is_removed(clock, tasks) -> None:
    registry, heard, _ = a_registry(clock, tasks)
    call = Call(peer=Peer("spiffe://x/nse"), token=token(clock, 600), deadline=clock.ticks() + 15)
    await registry.register(call, NSE)
    await clock.sleep(44.9)
    assert await names(registry) == ["e"]
    await clock.sleep(0.2)
    assert await names(registry) == []
    fired = heard.calls[-2]
    assert (fired.peer, fired.token) == (call.peer, call.token)
    assert fired.deadline == pytest.approx(45 + 15, abs=0.3)


async def test_a_refresh_keeps_it(clock, tasks) -> None:
    registry, heard, _ = a_registry(clock, tasks)
    for _ in range(10):
        await registry.register(Call(), NSE)
        await clock.sleep(40)
    assert await names(registry) == ["e"]
    assert "unregister e" not in heard.verbs


async def test_it_is_removed_in_time_even_if_a_refresh_fails(clock, tasks) -> None:
    registry, heard, _ = a_registry(clock, tasks)
    await registry.register(Call(), NSE)
    await clock.sleep(40)
    heard.failing = [Unreachable("gone")]
    with pytest.raises(Unreachable):
        await registry.register(Call(), NSE)
    await clock.sleep(19.9)
    assert await names(registry) == ["e"]
    await clock.sleep(0.2)
    assert await names(registry) == []


async def test_it_is_removed_in_time_even_if_unregistering_failed_once(clock, tasks) -> None:
    registry, heard, _ = a_registry(clock, tasks)
    await registry.register(Call(), NSE)
    heard.failing = [Unreachable("gone")]
    with pytest.raises(Unreachable):
        await registry.unregister(Call(), NSE)
    assert await names(registry) == ["e"]
    await clock.sleep(60.1)
    assert await names(registry) == []


async def test_a_refresh_that_is_under_way_when_the_alarm_rings_wins(clock, tasks) -> None:
    class Slow(RecordingRegistry[Endpoint]):
        async def register(self, call: Call, record: Endpoint) -> Endpoint:
            await clock.sleep(5)
            return await super().register(call, record)

    remember = Remember[Endpoint]()
    links = (BeginRegistration[Endpoint](tasks, clock), Expire(clock, 60.0), remember)
    registry = registry_chain(*links).bind(Slow())
    await registry.register(Call(), NSE)
    await clock.sleep(57)
    await registry.register(Call(), NSE)
    await clock.sleep(10)
    assert len(remember.catalog) == 1
    await clock.sleep(60)
    assert not len(remember.catalog)
