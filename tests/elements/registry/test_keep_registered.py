"""Stand in for a registry that is away, towards those who are registered in it."""

import asyncio
from dataclasses import replace

import pytest

from nsm.api.registration import Endpoint, NetworkService, Query
from nsm.api.timestamp import Timestamp
from nsm.elements.registry import KeepRegistered
from nsm.errors import Denied, Exhausted, NsmError, TooLate, Unreachable
from nsm.sdk import Call, registry_chain
from nsm.sdk.call import TokenPath
from nsm.sdk.testing.recording_registry import RecordingRegistry

pytestmark = pytest.mark.looptime
NSE = Endpoint("nse", ("svc",), url="tcp://manager")
SVC = NetworkService("svc", "IP", path_ids=("me",))
OTHER = Endpoint("other", ("svc",), url="tcp://manager")
AWAY = Unreachable("away")


@pytest.fixture
def end() -> RecordingRegistry:
    return RecordingRegistry()


@pytest.fixture
def keep(tasks, clock, end):
    def chain(outage: float = 3600.0):
        return registry_chain(KeepRegistered(tasks, clock, outage)).bind(end)

    return chain


@pytest.mark.parametrize("error", [AWAY, TooLate("no answer")])
async def test_who_was_registered_stays_so_while_the_registry_is_away(
    keep, end, error: NsmError
) -> None:
    registry = keep()
    await registry.register(Call(), NSE)
    end.failing = [error]
    again = replace(NSE, network_service_names=("svc", "more"))
    assert await registry.register(Call(), again) == again


async def test_who_is_new_waits_for_the_registry(keep, end) -> None:
    end.failing = [AWAY]
    with pytest.raises(Unreachable):
        await keep().register(Call(), NSE)


async def test_what_a_registry_refuses_is_refused(keep, end) -> None:
    registry = keep()
    await registry.register(Call(), NSE)
    end.failing = [Denied("no")] * 2
    with pytest.raises(Denied):
        await registry.register(Call(), NSE)
    with pytest.raises(Denied):
        await registry.unregister(Call(), NSE)


async def test_after_an_hour_the_registry_alone_answers_again(keep, end) -> None:
    registry = keep()
    await registry.register(Call(), NSE)
    end.failing = [AWAY] * 5000
    await asyncio.sleep(3599)
    await registry.register(Call(), NSE)
    await asyncio.sleep(1)
    with pytest.raises(Unreachable):
        await registry.register(Call(), NSE)


async def test_without_an_outage_to_live_through_nothing_is_kept(keep, end, tasks) -> None:
    registry = keep(0.0)
    await registry.register(Call(), NSE)
    end.failing = [AWAY]
    with pytest.raises(Unreachable):
        await registry.register(Call(), NSE)
    assert len(tasks) == 0


async def test_the_registry_hears_the_latest_when_it_is_back(keep, end, tasks) -> None:
    registry = keep()
    path = TokenPath(1, ["theirs", "ours"])
    await registry.register(Call(tokens=path), NSE)
    end.failing = [AWAY] * 4
    latest = replace(NSE, network_service_names=("svc", "more"))
    await registry.register(Call(tokens=path), latest)
    await asyncio.sleep(60)
    assert end.failing == []
    assert end.heard[-1] == ("register", latest)
    assert end.calls[-1].tokens == path
    assert len(tasks) == 0


async def test_a_lost_watch_has_everything_told_again_once(keep, end, listen) -> None:
    registry = keep()
    other = Endpoint("other", url="tcp://manager")
    for one in (NSE, other):
        await registry.register(Call(), one)
    listen(registry.find(Call(), Query(NSE, watch=True)))
    await asyncio.sleep(1)
    end.heard.clear()
    end.lose(AWAY)
    await asyncio.sleep(60)
    assert sorted(end.verbs) == ["register nse", "register other"]


async def test_a_watch_in_another_domain_that_is_lost_tells_nobody_anything(
    keep, end, listen
) -> None:
    registry = keep()
    await registry.register(Call(), NSE)
    listen(registry.find(Call(), Query(Endpoint("far@other.domain"), watch=True)))
    await asyncio.sleep(1)
    end.lose(AWAY)
    await asyncio.sleep(60)
    assert end.verbs.count("register nse") == 1


async def test_who_went_while_the_registry_was_away_is_taken_back_there(keep, end) -> None:
    registry = keep()
    await registry.register(Call(), NSE)
    end.failing = [AWAY] * 3
    await registry.unregister(Call(), NSE)
    await asyncio.sleep(60)
    assert end.verbs == ["register nse"] + ["unregister nse"] * 4


async def test_who_went_is_not_told_to_be_there(keep, end, listen) -> None:
    registry = keep()
    await registry.register(Call(), NSE)
    await registry.unregister(Call(), NSE)
    listen(registry.find(Call(), Query(Endpoint("x"), watch=True)))
    await asyncio.sleep(1)
    end.heard.clear()
    end.lose(AWAY)
    await asyncio.sleep(60)
    assert end.verbs == []


async def test_whose_time_is_over_is_not_told_of(keep, end, clock) -> None:
    registry = keep()
    brief = replace(NSE, expiration_time=Timestamp.at(clock.now() + 3))
    await registry.register(Call(), brief)
    end.failing = [AWAY] * 50
    await registry.register(Call(), brief)
    await asyncio.sleep(10)
    tried = len(end.heard)
    await asyncio.sleep(60)
    assert len(end.heard) == tried


async def test_who_is_refused_when_the_registry_is_back_is_not_insisted_on(keep, end) -> None:
    registry = keep()
    await registry.register(Call(), NSE)
    end.failing = [AWAY, Denied("another has it")]
    await registry.register(Call(), NSE)
    await asyncio.sleep(60)
    assert end.verbs == ["register nse"] * 3


async def test_a_registry_without_room_is_told_again_and_meanwhile_of_the_others(keep, end) -> None:
    registry = keep()
    await registry.register(Call(), NSE)
    await registry.register(Call(), OTHER)
    end.failing = [AWAY, AWAY, Exhausted("no room")]
    await registry.register(Call(), NSE)
    await registry.register(Call(), OTHER)
    await asyncio.sleep(60)
    said = ["register nse", "register other"]
    assert end.verbs == [*said, *said, *said, "register nse"]


async def test_a_service_may_be_said_again_but_not_changed_nor_removed(keep, end) -> None:
    registry = keep()
    await registry.register(Call(), SVC)
    end.failing = [AWAY] * 3
    again = replace(SVC, path_ids=("you",))
    assert await registry.register(Call(), again) == again
    with pytest.raises(Unreachable):
        await registry.register(Call(), replace(SVC, payload="ETHERNET"))
    with pytest.raises(Unreachable):
        await registry.unregister(Call(), SVC)


async def test_a_restarted_endpoint_and_its_end_are_told_in_the_order_they_happened(
    keep, end
) -> None:
    registry = keep()
    await registry.register(Call(), NSE)
    end.failing = [AWAY]
    await registry.unregister(Call(), NSE)
    await registry.register(Call(), NSE)
    await asyncio.sleep(60)
    assert end.verbs[-1] == "register nse"
