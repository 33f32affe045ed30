"""What a registry said last."""

import asyncio

import pytest

from nsm.api.registration import Answer, Endpoint
from nsm.api.timestamp import Timestamp
from nsm.elements.registry.recollection import Recollection
from nsm.sdk.clock import LoopClock

pytestmark = pytest.mark.looptime
ANY = Endpoint()


def served(name: str, service: str = "svc") -> Answer[Endpoint]:
    return Answer(Endpoint(name, (service,)))


def names(memory: Recollection[Endpoint], like: Endpoint = ANY) -> list[str]:
    return [answer.record.name for answer in memory.like(like)]


async def test_what_is_not_heard_of_again_fades_when_its_time_is_over() -> None:
    memory = Recollection[Endpoint](LoopClock(), 100)
    memory.hear(served("old"))
    await asyncio.sleep(50)
    memory.hear(served("new"))
    assert names(memory) == ["old", "new"]
    await asyncio.sleep(50)
    assert names(memory) == ["new"]
    await asyncio.sleep(50)
    assert len(memory) == 1, "it is looked for when somebody asks"
    assert names(memory) == []
    assert len(memory) == 0


async def test_beyond_the_bound_the_longest_unheard_is_forgotten() -> None:
    memory = Recollection[Endpoint](LoopClock(), 100, most=2)
    for name in ("a", "b", "a", "c"):
        memory.hear(served(name))
    assert names(memory) == ["a", "c"]


async def test_what_an_answer_leaves_out_is_gone_and_what_it_says_nothing_of_stays() -> None:
    memory = Recollection[Endpoint](LoopClock(), 100)
    for answer in (served("a"), served("b"), served("other", "else")):
        memory.hear(answer)
    memory.settle(Endpoint(network_service_names=("svc",)), {"b"})
    assert names(memory) == ["b", "other"]


async def test_what_is_deleted_is_not_remembered() -> None:
    memory = Recollection[Endpoint](LoopClock(), 100)
    memory.hear(served("a"))
    memory.hear(Answer(served("a").record, deleted=True))
    assert names(memory) == []


async def test_an_endpoint_lasts_for_as_long_as_it_is_remembered() -> None:
    clock = LoopClock()
    memory = Recollection[Endpoint](clock, 100)
    soon = Timestamp.at(clock.now() + 1)
    memory.hear(Answer(Endpoint("a", expiration_time=soon)))
    until = Timestamp.at(clock.now() + 100)
    await asyncio.sleep(60)
    assert [answer.record.expiration_time for answer in memory.like(ANY)] == [until]
