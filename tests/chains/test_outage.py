"""The registry is away for an hour, with real tokens and policies: nobody on the nodes notices."""

import asyncio

import pytest

from nsm.api.registration import Endpoint, NetworkService, Query
from nsm.errors import Denied, Unreachable
from nsm.sdk import Call
from nsm.sdk.streams import reading

from .test_registry import LOCAL, MANAGER, NSE, REGISTRY, World, world

__all__ = ["world"]

pytestmark = pytest.mark.looptime
HOUR = 3600
SVC = NetworkService(name="svc", payload="IP")


async def services(world: World, to: str = LOCAL) -> list[str]:
    asked = world.services("someone", to).find(world.soon(), Query(NetworkService(name="svc")))
    return [answer.record.payload async for answer in asked]


async def found(world: World) -> list[str]:
    asked = world.nse("someone").find(world.soon(), Query(Endpoint(name="nse-1")))
    return [answer.record.name async for answer in asked]


async def begin(world: World) -> None:
    world.registry()
    world.manager()
    await world.nse().register(world.soon(), NSE)
    await world.services().register(world.soon(), SVC)
    await world.find(LOCAL)
    await services(world)


async def test_a_node_knows_its_own_and_the_services_while_the_registry_is_away_for_an_hour(
    world: World,
) -> None:
    await begin(world)
    world.switchboard.unplug(REGISTRY)
    for _ in range(11):
        await asyncio.sleep(HOUR / 12)
        assert (await world.find(LOCAL))["nse-1"].url == NSE.url
        assert await services(world) == ["IP"]


async def test_all_is_registered_again_within_seconds_of_the_registrys_return(
    world: World,
) -> None:
    await begin(world)
    world.switchboard.unplug(REGISTRY)
    await asyncio.sleep(HOUR * 3 / 4)
    world.registry()
    await asyncio.sleep(10)
    assert (await world.find(REGISTRY))["nse-1"].url == MANAGER
    assert await services(world, REGISTRY) == ["IP"]


async def test_who_unregisters_while_the_registry_is_away_is_gone_here_and_stays_so(
    world: World,
) -> None:
    world.registry()
    world.manager()
    nse = world.nse()
    await nse.register(world.soon(), NSE)
    await world.find(LOCAL)
    world.switchboard.unplug(REGISTRY)
    await asyncio.sleep(30)
    await nse.unregister(world.soon(), NSE)
    with pytest.raises(Unreachable):
        await found(world)
    world.registry()
    await asyncio.sleep(30)
    assert await world.find(REGISTRY) == {}


async def test_a_strangers_claim_is_refused_while_the_registry_is_away(world: World) -> None:
    await begin(world)
    world.switchboard.unplug(REGISTRY)
    with pytest.raises(Denied):
        await world.nse("other").register(world.soon(), NSE)


async def test_a_watch_goes_on_over_an_outage_with_what_is_new(world: World) -> None:
    world.registry()
    world.manager()
    heard: set[str] = set()

    async def listen() -> None:
        stream = world.nse("someone").find(Call(), Query(Endpoint(name="nse-1"), watch=True))
        async with reading(stream) as answers:
            async for answer in answers:
                heard.add(answer.record.name)

    listening = world.tasks.start("listen", listen())
    await asyncio.sleep(1)
    world.switchboard.unplug(REGISTRY)
    await asyncio.sleep(600)
    world.registry()
    await asyncio.sleep(10)
    assert not listening.done()
    await world.nse().register(world.soon(), NSE)
    await asyncio.sleep(1)
    assert heard == {"nse-1"}


async def test_nothing_is_answered_after_an_hour(world: World) -> None:
    await begin(world)
    far = Endpoint(name="far", network_service_names=("far",), url="tcp://10.0.0.2:5001")
    await world.nse("else", REGISTRY).register(world.soon(), far)
    await world.find(LOCAL)
    world.switchboard.unplug(REGISTRY)
    await asyncio.sleep(HOUR / 2)
    assert "far" in await world.find(LOCAL)
    await asyncio.sleep(HOUR / 2 + 120)
    with pytest.raises(Unreachable):
        await found(world)
    with pytest.raises(Unreachable):
        await services(world)
