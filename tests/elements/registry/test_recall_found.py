"""Find what was found before while the registry is away."""

import asyncio
from contextlib import suppress

import pytest

from nsm.api.registration import Answer, Endpoint, NetworkService, Query
from nsm.elements.registry import RecallFound
from nsm.elements.registry.recollection import NEW
from nsm.errors import Denied, Exhausted, NotFound, NsmError, TooLate, Unreachable
from nsm.sdk import Call, registry_chain
from nsm.sdk.clock import LoopClock
from nsm.sdk.testing.recording_registry import RecordingRegistry

pytestmark = pytest.mark.looptime
SVC = Endpoint(network_service_names=("svc",))
ONE = Endpoint("one", ("svc",))
TWO = Endpoint("two", ("svc",))


class Recalling:
    """The element before a registry that writes down what it is asked."""

    def __init__(self, *found: Endpoint, age: float = 3600) -> None:
        self.clock = LoopClock()
        self.end = RecordingRegistry[Endpoint](*map(Answer, found))
        self.element = RecallFound[Endpoint](self.clock, age)
        self.entry = registry_chain(self.element).bind(self.end)

    async def find(self, like: Endpoint = SVC, call: Call | None = None) -> list[str]:
        found = self.entry.find(call or Call(), Query(like))
        return [answer.record.name async for answer in found]

    def away(self, error: NsmError | None = None, times: int = 100) -> None:
        self.end.failing = [error or Unreachable("away")] * times


@pytest.mark.parametrize("error", [Unreachable("away"), TooLate("no answer")])
async def test_what_was_found_is_found_while_the_registry_is_away(error: NsmError) -> None:
    registry = Recalling(ONE, TWO)
    await registry.find()
    registry.away(error)
    assert await registry.find() == ["one", "two"]
    assert await registry.find(Endpoint(name="two")) == ["two"]


@pytest.mark.parametrize("error", [NotFound("no"), Denied("no"), Exhausted("no")])
async def test_what_a_registry_refuses_is_refused(error: NsmError) -> None:
    registry = Recalling(ONE)
    await registry.find()
    registry.away(error)
    with pytest.raises(type(error)):
        await registry.find()


async def test_what_was_never_found_cannot_be_recalled() -> None:
    registry = Recalling(ONE)
    await registry.find()
    registry.away()
    with pytest.raises(Unreachable):
        await registry.find(Endpoint(network_service_names=("other",)))


async def test_after_an_hour_nothing_is_answered() -> None:
    registry = Recalling(ONE)
    await registry.find()
    registry.away()
    await asyncio.sleep(3599)
    assert await registry.find() == ["one"]
    await asyncio.sleep(1)
    with pytest.raises(Unreachable):
        await registry.find()


async def test_without_any_time_nothing_is_recalled() -> None:
    registry = Recalling(ONE, age=0)
    await registry.find()
    registry.away()
    with pytest.raises(Unreachable):
        await registry.find()


async def test_what_the_registry_no_longer_said_is_not_resurrected() -> None:
    registry = Recalling(ONE, TWO)
    await registry.find()
    registry.end.found = [Answer(TWO)]
    await registry.find()
    registry.away()
    assert await registry.find() == ["two"]


async def test_who_registers_here_is_recalled_and_who_unregisters_is_not() -> None:
    registry = Recalling()
    await registry.entry.register(Call(), ONE)
    await registry.entry.register(Call(), TWO)
    await registry.entry.unregister(Call(), ONE)
    registry.away()
    assert await registry.find() == ["two"]


async def test_what_breaks_off_is_completed_from_memory() -> None:
    class Breaking(RecordingRegistry[Endpoint]):
        async def find(self, call, query):
            async for answer in super().find(call, query):
                yield answer
                if self.breaks:
                    raise Unreachable("broke off")

        breaks = False

    registry = Recalling()
    end = registry.end = Breaking(Answer(ONE), Answer(TWO))
    registry.entry = registry_chain(registry.element).bind(end)
    await registry.find()
    end.breaks = True
    assert await registry.find() == ["one", "two"]


async def test_a_registry_that_is_away_is_not_asked_by_everyone_and_soon_again() -> None:
    registry = Recalling(ONE)
    await registry.find()
    registry.away(times=1)
    for _ in range(50):
        assert await registry.find() == ["one"]
    assert len(registry.end.heard) == 2
    await asyncio.sleep(2)
    registry.end.found = [Answer(TWO)]
    assert "two" in await registry.find()


@pytest.mark.parametrize("loss", ["a question", "a watch", "a watch that ends"])
async def test_a_registry_that_came_back_with_nothing_is_given_time_to_hear_of_it_again(
    loss: str,
) -> None:
    registry = Recalling(ONE, TWO)
    if loss == "a question":
        await registry.find()
        registry.away(times=1)
        await registry.find()
        await asyncio.sleep(2)
    else:
        watch = registry.entry.find(Call(), Query(SVC, watch=True))
        assert [(await anext(watch)).record.name for _ in range(2)] == ["one", "two"]
        ending = asyncio.ensure_future(anext(watch))
        await asyncio.sleep(1)
        registry.end.lose(Unreachable("gone") if loss == "a watch" else None)
        with suppress(Unreachable, StopAsyncIteration):
            await ending
        await asyncio.sleep(2)
    registry.end.found = []
    assert await registry.find(Endpoint(name="one")) == ["one"]
    registry.end.found = [Answer(TWO)]
    assert await registry.find() == ["two", "one"]
    await asyncio.sleep(NEW)
    assert await registry.find() == ["two"]


async def test_what_is_deleted_from_a_registry_that_just_came_back_is_gone() -> None:
    registry = Recalling(ONE)
    await registry.find()
    registry.away(times=1)
    await registry.find()
    await asyncio.sleep(2)
    registry.end.found = [Answer(ONE, deleted=True)]
    watch = registry.entry.find(Call(), Query(SVC, watch=True))
    await anext(watch)
    registry.end.found = []
    assert await registry.find() == []


async def test_a_caller_in_a_hurry_says_nothing_of_the_registry() -> None:
    registry = Recalling(ONE)
    await registry.find()
    registry.away(TooLate("too short"), times=1)
    hurried = Call(deadline=registry.clock.ticks() + 0.1)
    assert await registry.find(call=hurried) == ["one"]
    await registry.find()
    assert len(registry.end.heard) == 3


async def test_another_domain_that_is_away_says_nothing_of_our_registry() -> None:
    registry = Recalling(ONE)
    await registry.find()
    registry.away(times=1)
    with pytest.raises(Unreachable):
        await registry.find(Endpoint(name="far@other.domain"))
    await registry.find()
    assert len(registry.end.heard) == 3


async def test_a_service_stays_where_it_cannot_be_said_whether_it_may_go() -> None:
    end = RecordingRegistry[NetworkService]()
    registry = registry_chain(RecallFound[NetworkService](LoopClock(), 60)).bind(end)
    service = NetworkService("svc", "IP")
    await registry.register(Call(), service)
    end.failing = [Unreachable("away")] * 2
    with pytest.raises(Unreachable):
        await registry.unregister(Call(), service)
    assert [a.record async for a in registry.find(Call(), Query(service))] == [service]


async def test_an_endpoint_that_leaves_while_the_registry_is_away_is_not_recalled() -> None:
    registry = Recalling(ONE)
    await registry.find()
    registry.away()
    with pytest.raises(Unreachable):
        await registry.entry.unregister(Call(), ONE)
    with pytest.raises(Unreachable):
        await registry.find()


async def test_what_a_watch_said_is_good_for_an_hour_from_its_loss() -> None:
    registry = Recalling(ONE)
    watch = registry.entry.find(Call(), Query(SVC, watch=True))
    await anext(watch)
    lost = asyncio.ensure_future(anext(watch))
    await asyncio.sleep(10_000)
    registry.end.lose(Unreachable("gone"))
    with pytest.raises(Unreachable):
        await lost
    registry.away()
    await asyncio.sleep(3500)
    assert await registry.find() == ["one"]
