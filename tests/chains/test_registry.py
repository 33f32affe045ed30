"""Registry, manager and endpoint together, with real tokens and policies: W §11.3, §11.7, §13."""

import os
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest
import pytest_asyncio

from nsm.api.labels import Labels
from nsm.api.registration import Endpoint, NetworkService, Query
from nsm.chains.registry import (
    Bounds,
    ManagerRegistries,
    RegistryNeeds,
    endpoint_client,
    endpoints,
    manager_registries,
    memory_registry,
    onward,
    service_client,
)
from nsm.elements.registry import ReceiveFoundFile, SendEndpointFile
from nsm.elements.registry.endpoint_files import EndpointFiles
from nsm.errors import Denied, Exhausted, NotFound, NsmError, Unreachable
from nsm.identity import jwt
from nsm.identity.authority import Authority
from nsm.identity.fake import FakeSource
from nsm.identity.policies import REGISTRY_CLIENT, REGISTRY_SERVER, Policies
from nsm.sdk import Call, Offer, Registry, Tasks
from nsm.sdk.call import TokenPath
from nsm.sdk.clock import LoopClock
from nsm.sdk.inprocess import Party
from nsm.sdk.streams import reading
from nsm.sdk.switchboard import Switchboard

pytestmark = pytest.mark.looptime
REGISTRY, MANAGER, LOCAL = "tcp://registry:5002", "tcp://10.0.0.1:5001", "unix:///nsm.sock"
ANY = Endpoint()
NSE = Endpoint(
    name="nse-1",
    network_service_names=("svc",),
    network_service_labels={"svc": Labels({"app": "web"})},
    url="tcp://10.0.0.9:7",
)


@dataclass
class World:
    """Programs with real certificates and real policies, on one switchboard and virtual time."""

    clock: LoopClock
    tasks: Tasks
    authority: Authority
    switchboard: Switchboard

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

    def registry(self, **bounds: int) -> Offer:
        offer = memory_registry(self.needs("registry"), keep=Bounds(**bounds))
        self.switchboard.plug(REGISTRY, offer, self.last.peer)
        return offer

    def manager(self, registry_url: str = REGISTRY) -> ManagerRegistries:
        needs = self.needs("manager")
        made = manager_registries(needs, MANAGER, registry_url, {"nodeName": "n1"})
        for url in (LOCAL, MANAGER):
            self.switchboard.plug(url, made.offer, self.last.peer)
        return made

    def nse(self, name: str = "nse", to: str = LOCAL) -> Registry[Endpoint]:
        return endpoint_client(self.needs(name), to)

    def services(self, name: str = "nse", to: str = LOCAL) -> Registry[NetworkService]:
        return service_client(self.needs(name), to)

    async def find(self, to: str, like: Endpoint = ANY) -> dict[str, Endpoint]:
        asked = self.nse("someone", to).find(Call(), Query(like))
        return {answer.record.name: answer.record async for answer in asked}

    def soon(self, seconds: float = 5.0) -> Call:
        return Call(deadline=self.clock.ticks() + seconds)


@pytest_asyncio.fixture
async def world() -> AsyncIterator[World]:
    clock, tasks = LoopClock(), Tasks()
    yield World(clock, tasks, Authority("test", clock), Switchboard(tasks, clock))
    await tasks.stop()


def ids(nse: Endpoint) -> list[str]:
    return [id.removeprefix("spiffe://test/") for id in nse.path_ids]


async def test_the_way_of_a_registration_is_signed_at_every_hop(world: World) -> None:
    world.registry()
    world.manager()
    path = TokenPath()
    kept = await world.nse().register(replace(world.soon(), tokens=path), NSE)
    assert ids(kept) == ["nse", "manager", "registry"]
    said = [(jwt.read(t).sub, jwt.read(t).aud[0]) for t in path.tokens]
    hop = "spiffe://test/{}".format
    assert path.index == 0
    assert said == [
        (hop("nse"), hop("manager")),
        (hop("manager"), hop("registry")),
        (hop("registry"), hop("manager")),
    ]
    assert kept.url == NSE.url
    assert kept.expiration_time
    assert kept.expiration_time.time - world.clock.now() == pytest.approx(60, abs=0.1)
    assert kept.initial_registration_time
    assert kept.network_service_labels["svc"] == {"app": "web", "nodeName": "n1"}


async def test_the_registry_knows_the_managers_url_and_the_node_the_endpoints(
    world: World,
) -> None:
    world.registry()
    made = world.manager()
    await world.nse().register(world.soon(), NSE)
    assert (await world.find(REGISTRY))["nse-1"].url == MANAGER
    assert (await world.find(LOCAL))["nse-1"].url == NSE.url
    like = Endpoint(network_service_names=("svc",), url=MANAGER)
    assert [a.record.url async for a in made.local.find(Call(), Query(like))] == [NSE.url]


@pytest.mark.parametrize("to", [LOCAL, REGISTRY])
async def test_a_name_stays_with_whoever_registered_it_first(world: World, to: str) -> None:
    world.registry()
    world.manager()
    one, two = world.nse("nse", to), world.nse("thief", to)
    await one.register(world.soon(), NSE)
    with pytest.raises(Denied, match="client_allowed"):
        await two.register(world.soon(), NSE)
    with pytest.raises(Denied, match="client_allowed"):
        await two.unregister(world.soon(), NSE)
    await one.register(world.soon(), NSE)
    await one.unregister(world.soon(), NSE)
    await two.register(world.soon(), NSE)


@pytest.mark.parametrize("to", [LOCAL, REGISTRY])
async def test_a_service_that_stands_may_be_said_again_by_anyone_but_not_changed(
    world: World, to: str
) -> None:
    world.registry()
    world.manager()
    service = NetworkService(name="svc", payload="IP")
    for who in ("one", "two", "one", "two"):
        await world.services(who, to).register(world.soon(), service)
    with pytest.raises(Denied):
        await world.services("two", to).register(world.soon(), replace(service, payload="ETHERNET"))


async def test_an_endpoint_is_refreshed_every_forty_seconds_and_kept(world: World) -> None:
    world.registry()
    world.manager()
    await world.nse().register(world.soon(), NSE)
    began = (await world.find(REGISTRY))["nse-1"].initial_registration_time
    for _ in range(20):
        await world.clock.sleep(33)
        (found,) = (await world.find(REGISTRY)).values()
        assert found.initial_registration_time == began
        assert found.expiration_time
        assert 19 <= found.expiration_time.time - world.clock.now() <= 60.1


async def test_an_endpoint_that_died_is_gone_a_moment_before_its_minute_is_over(
    world: World,
) -> None:
    world.registry()
    world.manager()
    without_a_pulse = onward(world.needs("nse"), endpoints, LOCAL)
    await without_a_pulse.register(world.soon(15), NSE)
    await world.clock.sleep(44)
    assert await world.find(REGISTRY)
    await world.clock.sleep(2)
    assert await world.find(REGISTRY) == {}
    assert await world.find(LOCAL) == {}


@pytest.mark.parametrize("away", [0, 3, 600])
async def test_a_registry_that_comes_back_empty_learns_everything_again(
    world: World, away: float
) -> None:
    world.registry()
    world.manager()
    await world.nse().register(world.soon(), NSE)
    await world.services().register(world.soon(), NetworkService(name="svc"))
    await world.clock.sleep(10)
    world.switchboard.unplug(REGISTRY)
    await world.clock.sleep(away)
    world.registry()
    await world.clock.sleep(10)
    assert (await world.find(REGISTRY))["nse-1"].url == MANAGER
    found = world.services("x", REGISTRY).find(Call(), Query(NetworkService(name="svc")))
    assert [answer.record.payload async for answer in found] == ["IP"]


async def test_a_manager_that_comes_back_learns_its_endpoints_again(world: World) -> None:
    world.registry()
    world.manager()
    await world.nse().register(world.soon(), NSE)
    await world.clock.sleep(10)
    world.manager()
    assert await world.find(LOCAL) == {}
    await world.clock.sleep(2)
    assert (await world.find(LOCAL))["nse-1"].url == NSE.url


async def test_a_watch_through_a_manager_outlives_both(world: World) -> None:
    world.registry()
    world.manager()
    heard: list[str] = []

    async def watch() -> None:
        query = Query(Endpoint(network_service_names=("svc",)), watch=True)
        async with reading(world.nse("watcher").find(Call(), query)) as answers:
            async for answer in answers:
                name = answer.record.name
                heard.append(name)

    world.tasks.start("watch", watch())
    await world.clock.sleep(1)
    await world.nse("one").register(world.soon(), replace(NSE, name="one"))
    world.registry()
    world.manager()
    await world.clock.sleep(10)
    await world.nse("two").register(world.soon(), replace(NSE, name="two"))
    await world.clock.sleep(1)
    assert {"one", "two"} <= set(heard)


async def test_another_domain_without_a_way_there_is_refused_plainly(world: World) -> None:
    world.registry()
    with pytest.raises(NotFound, match="NSM_PROXY_REGISTRY_URL"):
        await world.find(REGISTRY, Endpoint(name="nse@far"))
    call = world.soon(0.5)
    with pytest.raises(NotFound):
        await world.nse(to=REGISTRY).register(call, replace(NSE, name="nse@far"))


async def test_another_domain_is_asked_by_way_of_the_proxy(world: World) -> None:
    far = memory_registry(world.needs("far"))
    world.switchboard.plug("tcp://proxy", far, world.last.peer)
    near = memory_registry(world.needs("registry"), "tcp://proxy")
    world.switchboard.plug(REGISTRY, near, world.last.peer)
    with pytest.raises(NotFound):  # it got there, and there is no way on from there
        await world.find(REGISTRY, Endpoint(name="nse@far"))
    with pytest.raises(NotFound):
        await world.services(to=REGISTRY).register(world.soon(0.5), NetworkService(name="svc@far"))


async def test_a_node_without_a_registry_finds_what_is_on_it(world: World) -> None:
    made = world.manager("")
    await world.nse().register(world.soon(), NSE)
    await world.services().register(world.soon(), NetworkService(name="svc"))
    like = Endpoint(network_service_names=("svc",), url=MANAGER)
    assert [a.record.url async for a in made.local.find(Call(), Query(like))] == [NSE.url]
    found = made.services.find(Call(), Query(NetworkService(name="svc")))
    assert [answer.record.payload async for answer in found] == ["IP"]


async def test_without_a_registry_a_caller_is_told_in_time(world: World) -> None:
    world.manager()
    began = world.clock.ticks()
    with pytest.raises(NsmError) as failure:
        await world.nse().register(world.soon(3), NSE)
    assert isinstance(failure.value, Unreachable)
    assert world.clock.ticks() - began <= 3


async def test_a_full_registry_says_so(world: World) -> None:
    world.registry(records=1)
    await world.nse(to=REGISTRY).register(world.soon(), NSE)
    with pytest.raises(Exhausted):
        await world.nse(to=REGISTRY).register(world.soon(0.5), replace(NSE, name="nse-2"))


async def test_a_socket_travels_from_the_endpoint_to_whoever_finds_it(
    world: World, tmp_path
) -> None:
    world.registry()
    made = world.manager()
    path = str(tmp_path / "nse.sock")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        nse = replace(NSE, url=f"unix://{path}")
        kept = await endpoint_client(world.needs("nse"), LOCAL, SendEndpointFile()).register(
            world.soon(), nse
        )
        assert kept.url == nse.url
        files = EndpointFiles()
        receive = ReceiveFoundFile(files, world.clock)
        forwarder = endpoint_client(world.needs("forwarder"), LOCAL, receive)
        (found,) = [a.record async for a in forwarder.find(Call(), Query(Endpoint()))]
        assert found.url.startswith(f"unix:///proc/{os.getpid()}/fd/")
        assert os.stat(found.url.removeprefix("unix://")).st_ino == os.stat(path).st_ino
        (plain,) = [a.record async for a in made.local.find(Call(), Query(Endpoint()))]
        assert plain.url.startswith(f"unix:///proc/{os.getpid()}/fd/")
    files.close(found.url)
