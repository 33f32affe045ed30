"""The registry at work, over real sockets and mTLS."""

import asyncio
from pathlib import Path

import pytest

from nsm.api.registration import Endpoint, NetworkService, Query
from nsm.chains.registry import RegistryNeeds, endpoint_client, service_client
from nsm.components.registry.config import Config
from nsm.components.registry.program import work
from nsm.config import load
from nsm.errors import Denied, NotFound
from nsm.identity.authority import Authority
from nsm.identity.fake import FakeSource
from nsm.identity.policies import REGISTRY_CLIENT, REGISTRY_SERVER, Policies
from nsm.program import Program
from nsm.rpc import Pool
from nsm.sdk import Call, Clock, Tasks
from nsm.sdk.streams import reading

AUTHORITY = Authority("test", Clock())
NSE = Endpoint(name="nse-1", network_service_names=("svc",), url="tcp://10.0.0.1:5001")


class Client:
    """Somebody with an identity and a way to the registry."""

    def __init__(self, name: str, url: str) -> None:
        source = FakeSource.of(f"spiffe://test/{name}", AUTHORITY)
        self.tasks, self.pool = Tasks(), Pool(source, source)
        needs = RegistryNeeds(
            tokens=source,
            dialer=self.pool,
            server=Policies.select(REGISTRY_SERVER),
            client=Policies.select(REGISTRY_CLIENT),
            tasks=self.tasks,
            dial_timeout=5.0,
        )
        self.endpoints = endpoint_client(needs, url)
        self.services = service_client(needs, url)

    async def close(self) -> None:
        await self.tasks.stop()
        await self.pool.close()


class Running:
    """The program, from start to stop."""

    def __init__(self, folder: Path) -> None:
        self.url = f"unix://{folder}/registry.sock"
        self.config = load(Config, {"NSM_LISTEN_ON": self.url})
        source = FakeSource.of("spiffe://test/registry", AUTHORITY)
        pool = Pool(source, source)
        self.program = Program(
            name="registry", environ={}, identity=source, tokens=source, dialer=pool
        )
        self.program.at_last(pool.close)
        self.clients: list[Client] = []

    def client(self, name: str) -> Client:
        self.clients.append(Client(name, self.url))
        return self.clients[-1]

    async def __aenter__(self) -> "Running":
        self.working = asyncio.create_task(work(self.config, self.program))
        return self  # clients ask until somebody is there

    async def __aexit__(self, *failure: object) -> None:
        for client in self.clients:
            await client.close()
        self.program.stopping.set()
        await self.working
        await self.program.end()


def soon() -> Call:
    return Call(deadline=Clock().ticks() + 5)


async def test_what_one_registers_another_finds_and_hears_go(tmp_path: Path) -> None:
    async with Running(tmp_path) as running:
        one, two = running.client("one"), running.client("two")
        await one.services.register(soon(), NetworkService(name="svc"))
        kept = await one.endpoints.register(soon(), NSE)
        assert kept.path_ids == ("spiffe://test/one", "spiffe://test/registry")
        found = two.services.find(soon(), Query(NetworkService(name="svc")))
        assert [answer.record.payload async for answer in found] == ["IP"]
        watch = two.endpoints.find(soon(), Query(Endpoint(name="nse-1"), watch=True))
        async with reading(watch) as answers:
            assert (await anext(answers)).record == kept
            await one.endpoints.unregister(soon(), NSE)
            assert (await anext(answers)).deleted


async def test_policies_hold_over_the_wire(tmp_path: Path) -> None:
    async with Running(tmp_path) as running:
        one, two = running.client("one"), running.client("two")
        await one.endpoints.register(soon(), NSE)
        with pytest.raises(Denied, match="client_allowed"):
            await two.endpoints.register(soon(), NSE)
        with pytest.raises(NotFound, match="NSM_PROXY_REGISTRY_URL"):
            await two.services.register(soon(), NetworkService(name="svc@far"))
