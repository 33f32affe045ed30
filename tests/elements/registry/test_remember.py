"""Keep records in memory, and tell who watches."""

import asyncio
import random

import pytest

from nsm.api.labels import Labels
from nsm.api.registration import Answer, Endpoint, NetworkService, Query
from nsm.elements.registry import Remember
from nsm.errors import Denied, Exhausted
from nsm.sdk import Call
from nsm.sdk.registry import NowhereElse
from nsm.sdk.streams import reading
from nsm.sdk.testing.recording_registry import RecordingRegistry

CALL, ANY = Call(), Endpoint()


def store(**bounds: int):
    return Remember[Endpoint](**bounds).bind(NowhereElse())


async def found(registry, like=ANY) -> list[str]:
    return [a.record.name async for a in registry.find(CALL, Query(like)) if not a.deleted]


async def test_what_is_registered_is_found_until_it_is_unregistered() -> None:
    registry = store()
    await registry.register(CALL, Endpoint(name="a"))
    await registry.register(CALL, Endpoint(name="b", network_service_names=("s",)))
    assert await found(registry) == ["a", "b"]
    assert await found(registry, Endpoint(network_service_names=("s",))) == ["b"]
    await registry.unregister(CALL, Endpoint(name="a"))
    await registry.unregister(CALL, Endpoint(name="never"))
    assert await found(registry) == ["b"]


async def test_registering_a_name_again_replaces_it() -> None:
    registry = store()
    await registry.register(CALL, Endpoint(name="a", url="old"))
    assert (await registry.register(CALL, Endpoint(name="a", url="new"))).url == "new"
    assert [a.record.url async for a in registry.find(CALL, Query(Endpoint()))] == ["new"]


async def test_what_the_rest_of_the_chain_refuses_is_not_kept() -> None:
    remember, end = Remember[Endpoint](), RecordingRegistry[Endpoint]()
    registry = remember.bind(end)
    end.failing = [Denied("no"), None, Denied("no")]
    with pytest.raises(Denied):
        await registry.register(CALL, Endpoint(name="a"))
    assert not len(remember.catalog)
    await registry.register(CALL, Endpoint(name="a"))
    with pytest.raises(Denied):
        await registry.unregister(CALL, Endpoint(name="a"))
    assert len(remember.catalog) == 1


async def test_a_watch_says_what_is_there_then_what_changes_then_what_is_gone(
    listen, settle
) -> None:
    registry = store()
    await registry.register(CALL, Endpoint(name="a", url="1"))
    heard = listen(registry.find(CALL, Query(Endpoint(name="a"), watch=True)))
    await settle()
    assert heard == ["a 1"]
    await registry.register(CALL, Endpoint(name="a", url="2"))
    await registry.register(CALL, Endpoint(name="b", url="3"))
    await settle()
    await registry.unregister(CALL, Endpoint(name="a", url="whatever"))
    await settle()
    assert heard == ["a 1", "a 2", "-a 2"]


async def test_an_endpoint_is_watched_by_label(listen, settle) -> None:
    registry = store()
    like = Endpoint(network_service_labels={"s": Labels({"c": "d"})})
    heard = listen(registry.find(CALL, Query(like, watch=True)))
    await settle()
    await registry.register(
        CALL, Endpoint(name="a", network_service_labels={"s": Labels({"c": "d", "e": "f"})})
    )
    await registry.register(
        CALL, Endpoint(name="b", network_service_labels={"s": Labels({"e": "f"})})
    )
    await settle()
    assert heard == ["a"]


async def test_services_are_kept_and_watched_in_the_same_way(listen, settle) -> None:
    registry = Remember[NetworkService]().bind(NowhereElse())
    heard = listen(registry.find(CALL, Query(NetworkService(name="s"), watch=True)))
    await settle()
    await registry.register(CALL, NetworkService(name="s"))
    await registry.register(CALL, NetworkService(name="t"))
    await settle()
    await registry.unregister(CALL, NetworkService(name="s"))
    await settle()
    assert heard == ["s", "-s"]


async def test_a_receiver_that_stops_reading_loses_no_name_and_no_deletion() -> None:
    registry = store()
    watch = registry.find(CALL, Query(Endpoint(), watch=True))
    await registry.register(CALL, Endpoint(name="first"))
    heard = [await anext(watch)]
    for number in range(1000):
        await registry.register(CALL, Endpoint(name=f"n{number}"))
    for number in range(0, 1000, 2):
        await registry.unregister(CALL, Endpoint(name=f"n{number}"))
    async with reading(watch):
        async for answer in watch:
            heard.append(answer)
            if answer.record.name == "n998":
                break
    states = {answer.record.name: answer.deleted for answer in heard}
    assert len(states) == 1001
    assert sum(states.values()) == 500


async def test_who_leaves_is_no_longer_told() -> None:
    remember = Remember[Endpoint]()
    registry = remember.bind(NowhereElse())
    await registry.register(CALL, Endpoint(name="a"))
    async with reading(registry.find(CALL, Query(Endpoint(), watch=True))) as answers:
        await anext(answers)
        assert len(remember.watchers) == 1
    assert not len(remember.watchers)


async def test_there_is_a_bound_to_what_is_kept_and_to_who_watches() -> None:
    registry = store(records=1, watchers=0)
    await registry.register(CALL, Endpoint(name="a"))
    await registry.register(CALL, Endpoint(name="a"))
    with pytest.raises(Exhausted):
        await registry.register(CALL, Endpoint(name="b"))
    with pytest.raises(Exhausted):
        await anext(registry.find(CALL, Query(Endpoint(), watch=True)))


async def test_a_find_that_does_not_watch_also_asks_what_comes_next() -> None:
    end = RecordingRegistry[Endpoint](Answer(Endpoint(name="elsewhere")))
    assert await found(Remember[Endpoint]().bind(end)) == ["elsewhere"]


@pytest.mark.parametrize("seed", range(5))
async def test_watchers_agree_with_the_store_whatever_happens_at_once(
    seed: int, listen, settle
) -> None:
    chance, registry = random.Random(seed), store()
    heard = [listen(registry.find(CALL, Query(Endpoint(), watch=True))) for _ in range(5)]

    async def live(name: str) -> None:
        for turn in range(20):
            await asyncio.sleep(0)
            if chance.random() < 0.6:
                await registry.register(CALL, Endpoint(name=name, url=str(turn)))
            else:
                await registry.unregister(CALL, Endpoint(name=name))

    await asyncio.gather(*(live(f"n{number}") for number in range(10)))
    await settle()
    kept = [answer.record async for answer in registry.find(CALL, Query(Endpoint()))]
    for one in heard:
        last = {answer.record.name: answer for answer in one.answers}
        assert {n: a.record for n, a in last.items() if not a.deleted} == {
            record.name: record for record in kept
        }
