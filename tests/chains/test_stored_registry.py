"""Whose a name is, across restarts of the registry and whichever manager is asked."""

from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from nsm.api.registration import Endpoint, NetworkService, Query, R
from nsm.chains.registry import (
    RegistryNeeds,
    endpoints,
    manager_registries,
    network_services,
    onward,
    stored_registry,
)
from nsm.errors import Denied
from nsm.identity.authority import Authority
from nsm.identity.fake import FakeSource
from nsm.identity.policies import REGISTRY_CLIENT, REGISTRY_SERVER, Policies
from nsm.sdk import Call, Clock, Registry, Tasks
from nsm.sdk.inprocess import Party
from nsm.sdk.switchboard import Switchboard
from nsm.store import Store

REGISTRY, NEAR, FAR = "tcp://registry:5002", "tcp://10.0.0.1:5001", "tcp://10.0.0.2:5001"
WAYS = [(NEAR, NEAR), (NEAR, FAR), (REGISTRY, REGISTRY)]
NSE = Endpoint("nse-1", ("svc",), url="tcp://10.0.0.9:7")
SERVICE = NetworkService("svc")


@dataclass
class World:
    """A registry with a store, and two managers, as processes that know each other by URL."""

    clock: Clock
    tasks: Tasks
    authority: Authority
    switchboard: Switchboard
    file: Path
    store: Store | None = None

    def needs(self, name: str) -> RegistryNeeds:
        source = FakeSource.of(f"spiffe://test/{name}", self.authority, self.clock)
        self.last = Party(source.peer, source)
        return RegistryNeeds(
            tokens=source,
            dialer=self.switchboard.dialer(self.last),
            server=Policies.select(REGISTRY_SERVER),
            client=Policies.select(REGISTRY_CLIENT),
            tasks=self.tasks,
            clock=self.clock,
        )

    async def restart(self) -> None:
        """Begin again with what is in the file, and managers that have forgotten everything."""
        if self.store:
            await self.store.close()
        self.store = await Store.open(self.file, self.clock)
        offer = stored_registry(self.needs("registry"), self.store)
        self.switchboard.plug(REGISTRY, offer, self.last.peer)
        for name, url in (("manager-1", NEAR), ("manager-2", FAR)):
            made = manager_registries(self.needs(name), url, REGISTRY, {})
            self.switchboard.plug(url, made.offer, self.last.peer)

    def endpoints(self, who: str, to: str) -> Registry[Endpoint]:
        return onward(self.needs(who), endpoints, to)

    def services(self, who: str, to: str) -> Registry[NetworkService]:
        return onward(self.needs(who), network_services, to)


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    clock, tasks = Clock(), Tasks()
    switchboard = Switchboard(tasks, clock)
    world = World(clock, tasks, Authority("test", clock), switchboard, tmp_path / "records")
    await world.restart()
    yield world
    await tasks.stop()
    if world.store:
        await world.store.close()


async def found(registry: Registry[R], like: R) -> list[R]:
    return [answer.record async for answer in registry.find(Call(), Query(like))]


async def refused(*acts: Awaitable[object]) -> None:
    for act in acts:
        with pytest.raises(Denied, match="client_allowed"):
            await act


@pytest.mark.parametrize(("first", "then"), WAYS)
async def test_an_endpoints_name_stays_its_owners_across_restarts(world, first, then) -> None:
    kept = await world.endpoints("nse", first).register(Call(), NSE)
    await world.restart()
    assert await found(world.endpoints("x", REGISTRY), Endpoint()) == [
        *await found(world.endpoints("y", REGISTRY), Endpoint("nse-1"))
    ]
    thief = world.endpoints("thief", then)
    await refused(
        thief.register(Call(), NSE), world.endpoints("thief", REGISTRY).unregister(Call(), NSE)
    )
    again = await world.endpoints("nse", then).register(Call(), kept)
    assert again.initial_registration_time == kept.initial_registration_time
    await world.endpoints("nse", then).unregister(Call(), NSE)
    await world.restart()
    assert await found(world.endpoints("x", REGISTRY), Endpoint()) == []
    assert await world.endpoints("thief", then).register(Call(), NSE)


@pytest.mark.parametrize(("first", "then"), WAYS)
async def test_a_service_may_be_said_again_after_a_restart_but_not_changed_or_removed(
    world: World, first: str, then: str
) -> None:
    await world.services("one", first).register(Call(), SERVICE)
    for _ in range(2):
        await world.restart()
        other = world.services("other", then)
        assert (await other.register(Call(), SERVICE)).payload == "IP"
        changed = NetworkService("svc", "ETHERNET")
        await refused(other.register(Call(), changed), other.unregister(Call(), SERVICE))
        assert [s.payload for s in await found(other, SERVICE)] == ["IP"]
    await world.services("one", then).register(Call(), NetworkService("svc", "ETHERNET"))
    await world.restart()
    await world.services("one", then).unregister(Call(), SERVICE)
    await world.restart()
    assert await found(world.services("x", then), SERVICE) == []
    await world.services("other", then).register(Call(), SERVICE)


async def test_who_came_itself_is_spoken_for_by_nobody_after_a_restart_either(world) -> None:
    await world.endpoints("nse", REGISTRY).register(Call(), NSE)
    await world.restart()
    await refused(world.endpoints("nse", NEAR).register(Call(), NSE))
    assert await world.endpoints("nse", REGISTRY).register(Call(), NSE)
