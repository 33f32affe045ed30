"""Know who serves without asking for it every time, and never what is not so."""

import asyncio

import pytest

from nsm.api.registration import Answer, Endpoint, Query
from nsm.api.timestamp import Timestamp
from nsm.elements.registry import FollowEndpoints, Remember
from nsm.errors import Unreachable
from nsm.sdk import Call, Registry, Tasks, registry_chain
from nsm.sdk.clock import LoopClock
from nsm.sdk.registry import NowhereElse
from nsm.sdk.testing.recording_registry import RecordingRegistry

pytestmark = pytest.mark.looptime
CALL = Call()
VPN = Endpoint(network_service_names=("vpn",))


def serving(name: str, url: str = "tcp://10.0.0.1:5001", **more: object) -> Endpoint:
    return Endpoint(name, ("vpn",), url=url, **more)


async def found(registry: Registry[Endpoint], like: Endpoint = VPN) -> dict[str, str]:
    return {a.record.name: a.record.url async for a in registry.find(CALL, Query(like))}


class Followed:
    """The element before a registry that keeps, which writes down what it is asked."""

    def __init__(self) -> None:
        self.tasks = Tasks()
        self.clock = LoopClock()
        self.store = Remember[Endpoint]().bind(NowhereElse())
        self.asked: list[str] = []
        self.failing = False
        self.entry = registry_chain(FollowEndpoints(self.tasks, self.clock)).bind(self)

    async def register(self, call: Call, record: Endpoint) -> Endpoint:
        return await self.store.register(call, record)

    async def unregister(self, call: Call, record: Endpoint) -> None:
        await self.store.unregister(call, record)

    def find(self, call: Call, query: Query[Endpoint]):
        self.asked.append("watch" if query.watch else query.like.name or "find")
        return self.store.find(call, query)

    async def known(self, *names: str) -> None:
        """Registered elsewhere, and asked for once."""
        for name in names:
            await self.store.register(CALL, serving(name))
        await found(self.entry)
        await asyncio.sleep(0.001)
        await found(self.entry)
        self.asked.clear()


@pytest.fixture
async def followed():
    followed = Followed()
    yield followed
    await followed.tasks.stop()


async def test_a_service_is_followed_once_its_watch_has_told_what_the_registry_answered(followed):
    await followed.known("one", "two")
    for _ in range(3):
        assert sorted(await found(followed.entry)) == ["one", "two"]
    assert followed.asked == []


async def test_who_comes_and_goes_elsewhere_is_known_as_soon_as_it_is_heard(followed) -> None:
    await followed.known("one", "two")
    await followed.store.register(CALL, serving("three"))
    await followed.store.unregister(CALL, serving("one"))
    await asyncio.sleep(0.001)
    assert sorted(await found(followed.entry)) == ["three", "two"]
    assert followed.asked == []


async def test_what_is_registered_through_here_is_known_at_once(followed) -> None:
    await followed.known("one")
    await followed.entry.register(CALL, serving("two", "tcp://10.0.0.2:5001"))
    assert sorted(await found(followed.entry)) == ["one", "two"]
    await followed.entry.unregister(CALL, serving("one"))
    assert await found(followed.entry) == {"two": "tcp://10.0.0.2:5001"}


async def test_that_nobody_serves_is_for_the_registry_to_say(followed) -> None:
    await followed.known("one")
    await followed.store.unregister(CALL, serving("one"))
    await asyncio.sleep(0.001)
    assert await found(followed.entry) == {}
    assert followed.asked == ["find"]


async def test_one_asked_for_by_name_is_found_among_those_followed(followed) -> None:
    await followed.known("one")
    assert list(await found(followed.entry, Endpoint("one"))) == ["one"]
    assert followed.asked == []
    assert await found(followed.entry, Endpoint("other")) == {}
    assert await found(followed.entry, Endpoint("one", url="tcp://10.9.9.9")) == {}
    assert followed.asked == ["other", "one"]


async def test_an_expired_one_is_not_answered_from_here(followed) -> None:
    until = Timestamp.at(followed.clock.now() + 10)
    await followed.store.register(CALL, serving("one", expiration_time=until))
    await followed.known("two")
    await asyncio.sleep(11)
    assert list(await found(followed.entry)) == ["two"]
    assert followed.asked == []
    await found(followed.entry, Endpoint("one"))
    assert followed.asked == ["one"]


async def test_an_answer_that_the_watch_has_not_caught_up_with_is_not_the_last_word() -> None:
    """A watch that is slower than the answer: what it has told so far is not all."""
    tasks, end = Tasks(), RecordingRegistry[Endpoint](Answer(serving("one")))
    entry = registry_chain(FollowEndpoints(tasks, LoopClock())).bind(end)
    await found(entry)
    end.found = [Answer(serving("one")), Answer(serving("two"))]
    await asyncio.sleep(0.001)
    for _ in range(2):
        assert sorted(await found(entry)) == ["one", "two"]
    await tasks.stop()


async def test_a_lost_watch_answers_nothing() -> None:
    tasks, end = Tasks(), RecordingRegistry[Endpoint](Answer(serving("one")))
    entry = registry_chain(FollowEndpoints(tasks, LoopClock())).bind(end)
    for _ in range(2):
        await found(entry)
        await asyncio.sleep(0.001)
    end.lose(Unreachable("gone"))
    await asyncio.sleep(0.001)
    end.failing = [Unreachable("gone")]
    with pytest.raises(Unreachable):
        await found(entry)
    await tasks.stop()


@pytest.mark.parametrize(
    "like",
    [
        Endpoint(),
        Endpoint(network_service_names=("vpn", "web")),
        Endpoint(network_service_names=("vpn@other.domain",)),
        Endpoint(network_service_names=("vpn",), url="tcp://10.0.0.1"),
    ],
    ids=["everything", "several", "another domain", "by url"],
)
async def test_no_watch_for_what_is_seldom_asked(followed, like: Endpoint) -> None:
    await found(followed.entry, like)
    await asyncio.sleep(0.001)
    assert followed.asked == ["find"]
