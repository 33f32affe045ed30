"""Know what a service is without asking for it every time."""

import asyncio

import pytest

from nsm.api.registration import Answer, NetworkService, Query
from nsm.elements.registry import FollowServices, Remember
from nsm.elements.registry.views import IDLE
from nsm.errors import Unreachable
from nsm.sdk import Call, Registry, Tasks, registry_chain
from nsm.sdk.clock import LoopClock
from nsm.sdk.registry import NowhereElse
from nsm.sdk.testing.recording_registry import RecordingRegistry

pytestmark = pytest.mark.looptime
CALL = Call()
VPN = NetworkService("vpn", "IP")


async def found(registry: Registry[NetworkService], name: str, payload: str = "") -> list[str]:
    like = NetworkService(name, payload)
    return [a.record.payload async for a in registry.find(CALL, Query(like))]


class Following:
    """The element before a registry that writes down what it is asked."""

    def __init__(self, *services: NetworkService, most: int = 10) -> None:
        self.end = RecordingRegistry[NetworkService](*map(Answer, services))
        self.element = FollowServices(Tasks(), LoopClock(), most)
        self.entry = registry_chain(self.element).bind(self.end)

    async def settle(self) -> None:
        await asyncio.sleep(0.001)


@pytest.fixture
async def following():
    following = Following(VPN)
    yield following
    await following.element.views.tasks.stop()


async def test_a_service_is_asked_for_once_and_followed_from_then_on(following) -> None:
    assert await found(following.entry, "vpn") == ["IP"]
    await following.settle()
    for _ in range(3):
        assert await found(following.entry, "vpn") == ["IP"]
    assert sorted(following.end.verbs) == ["find vpn", "watch vpn"]


async def test_a_change_is_answered_as_soon_as_it_is_heard() -> None:
    tasks = Tasks()
    store = Remember[NetworkService]().bind(NowhereElse())
    entry = registry_chain(FollowServices(tasks, LoopClock())).bind(store)
    await store.register(CALL, VPN)
    await found(entry, "vpn")
    await asyncio.sleep(0.001)
    await store.register(CALL, NetworkService("vpn", "ETHERNET"))
    await asyncio.sleep(0.001)
    assert await found(entry, "vpn") == ["ETHERNET"]
    await store.unregister(CALL, VPN)
    await asyncio.sleep(0.001)
    assert await found(entry, "vpn") == []
    await tasks.stop()


async def test_what_the_watch_has_not_told_of_is_asked_for(following) -> None:
    await found(following.entry, "vpn")
    await following.settle()
    following.end.heard.clear()
    await found(following.entry, "vpn", "ETHERNET")
    await found(following.entry, "other")
    assert following.end.verbs == ["find vpn", "find other"]


async def test_a_lost_watch_answers_nothing(following) -> None:
    await found(following.entry, "vpn")
    await following.settle()
    following.end.lose(Unreachable("gone"))
    await following.settle()
    following.end.heard.clear()
    following.end.failing = [Unreachable("gone")]
    with pytest.raises(Unreachable):
        await found(following.entry, "vpn")


async def test_what_is_registered_through_here_is_not_answered_from_before(following) -> None:
    await found(following.entry, "vpn")
    await following.settle()
    await following.entry.register(CALL, NetworkService("vpn", "ETHERNET"))
    following.end.heard.clear()
    await found(following.entry, "vpn")
    assert "find vpn" in following.end.verbs


async def test_who_is_asked_for_no_more_is_followed_no_more(following) -> None:
    await found(following.entry, "vpn")
    await asyncio.sleep(IDLE - 1)
    await found(following.entry, "vpn")
    await asyncio.sleep(IDLE - 1)
    assert following.element.views.known
    await asyncio.sleep(2)
    assert not following.element.views.known
    assert len(following.element.views.tasks) == 0


@pytest.mark.parametrize("name", ["", "vpn@other.domain"])
async def test_no_watch_for_everything_or_for_other_domains(following, name: str) -> None:
    await found(following.entry, name)
    await following.settle()
    assert not following.element.views.known


async def test_no_more_are_followed_than_may_be() -> None:
    following = Following(VPN, most=1)
    await found(following.entry, "vpn")
    await found(following.entry, "other")
    assert list(following.element.views.known) == ["vpn"]
    await following.element.views.tasks.stop()


async def test_a_watch_passes(following) -> None:
    watch = following.entry.find(CALL, Query(VPN, watch=True))
    assert (await anext(watch)).record == VPN
    await watch.aclose()
    assert following.end.verbs == ["watch vpn"]
