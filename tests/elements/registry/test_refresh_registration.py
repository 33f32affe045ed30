"""Register an endpoint anew before it expires."""

from dataclasses import replace

import pytest

from nsm.api.registration import Endpoint
from nsm.api.timestamp import Timestamp
from nsm.elements.registry import BeginRegistration, RefreshRegistration
from nsm.errors import Unreachable
from nsm.sdk import Call, registry_chain
from nsm.sdk.clock import LoopClock
from nsm.sdk.testing.recording_registry import RecordingRegistry

pytestmark = pytest.mark.looptime
NSE = Endpoint(name="e", url="u")


def living(clock: LoopClock, seconds: float) -> RecordingRegistry[Endpoint]:
    end = RecordingRegistry[Endpoint]()
    end.change = lambda nse: replace(
        nse,
        expiration_time=Timestamp.at(clock.now() + seconds),
        initial_registration_time=nse.initial_registration_time or Timestamp(1),
    )
    return end


def client(clock, tasks, end):
    return registry_chain(BeginRegistration(tasks, clock), RefreshRegistration(clock)).bind(end)


async def test_it_registers_again_at_two_thirds_of_its_time(clock, tasks) -> None:
    end = living(clock, 60)
    await client(clock, tasks, end).register(Call(), NSE)
    await clock.sleep(39.9)
    assert len(end.heard) == 1
    await clock.sleep(0.2)
    assert len(end.heard) == 2
    await clock.sleep(200)
    assert len(end.heard) == 7


async def test_the_registry_decides_the_time_anew_and_keeps_the_first(clock, tasks) -> None:
    end = living(clock, 60)
    await client(clock, tasks, end).register(Call(), NSE)
    await clock.sleep(41)
    again = end.heard[-1][1]
    assert again.expiration_time is None
    assert again.initial_registration_time == Timestamp(1)


async def test_unregistering_stops_it(clock, tasks) -> None:
    end = living(clock, 60)
    registry = client(clock, tasks, end)
    await registry.register(Call(), NSE)
    await registry.unregister(Call(), NSE)
    await clock.sleep(100)
    assert end.verbs == ["register e", "unregister e"]


async def test_registering_twice_makes_one_alarm(clock, tasks) -> None:
    end = living(clock, 60)
    registry = client(clock, tasks, end)
    await registry.register(Call(), NSE)
    await clock.sleep(20)
    await registry.register(Call(), NSE)
    await clock.sleep(39.9)
    assert len(end.heard) == 2
    await clock.sleep(0.2)
    assert len(end.heard) == 3


async def test_what_never_expires_is_not_refreshed(clock, tasks) -> None:
    end = RecordingRegistry[Endpoint]()
    await client(clock, tasks, end).register(Call(), NSE)
    await clock.sleep(10_000)
    assert len(end.heard) == 1


async def test_a_failed_refresh_is_tried_again_in_time(clock, tasks) -> None:
    end = living(clock, 60)
    await client(clock, tasks, end).register(Call(), NSE)
    end.failing = [Unreachable("gone")]
    await clock.sleep(59)
    assert len(end.heard) == 3


async def test_a_first_registration_that_fails_is_the_callers_to_repeat(clock, tasks) -> None:
    end = living(clock, 60)
    end.failing = [Unreachable("gone")]
    with pytest.raises(Unreachable):
        await client(clock, tasks, end).register(Call(), NSE)
    await clock.sleep(1000)
    assert len(end.heard) == 1


async def test_a_registry_that_answers_with_the_past_is_not_stormed(clock, tasks) -> None:
    end = living(clock, -60)
    await client(clock, tasks, end).register(Call(), NSE)
    await clock.sleep(10)
    assert len(end.heard) <= 51
