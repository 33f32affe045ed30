"""A registry that keeps its records in a file, killed and started again."""

import asyncio
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from nsm.api.labels import Labels
from nsm.api.registration import Endpoint, NetworkService, Query, R
from nsm.chains.registry import RegistryNeeds, endpoints, network_services, onward
from nsm.errors import NsmError
from nsm.identity.policies import REGISTRY_CLIENT, REGISTRY_SERVER, Policies
from nsm.rpc import Pool
from nsm.sdk import Call, Clock, Registry, Tasks
from nsm.workload.client import follow

REGISTRATIONS, AT_ONCE, KILLED_AFTER = 1000, 50, 800
SERVICE = NetworkService("svc", "ETHERNET")


def nse(name: str, life: str = "first") -> Endpoint:
    """A record with a beginning and an end that say the same."""
    labels = {"svc": Labels({"from": name, "life": life, "filling": "x" * 500, "to": name})}
    return Endpoint(name, ("svc",), labels, "tcp://10.0.0.1:5001")


def said_in(record: Endpoint) -> Endpoint:
    """Without what a registry adds."""
    return replace(record, path_ids=(), expiration_time=None, initial_registration_time=None)


def life_of(record: Endpoint) -> str:
    return record.network_service_labels["svc"]["life"]


class Asker:
    """Somebody who registers, without tricks: nothing is tried again."""

    def __init__(self, url: str, needs: RegistryNeeds) -> None:
        self.endpoints = onward(needs, endpoints, url)
        self.services = onward(needs, network_services, url)

    async def all(self, registry: Registry[R], like: R) -> dict[str, R]:
        return {
            answer.record.name: answer.record async for answer in registry.find(Call(), Query(like))
        }


@pytest.fixture
async def ask(workload_api: str, tmp_path: Path) -> AsyncIterator[Asker]:
    tasks = Tasks()
    source = await follow(workload_api, tasks)
    pool = Pool(source, source)
    needs = RegistryNeeds(
        tokens=source,
        dialer=pool,
        server=Policies.select(REGISTRY_SERVER),
        client=Policies.select(REGISTRY_CLIENT),
        tasks=tasks,
        dial_timeout=5.0,
    )
    yield Asker(f"unix://{tmp_path}/registry.sock", needs)
    await pool.close()
    await tasks.stop()


@pytest.fixture
def start(launch, workload_api: str, tmp_path: Path):
    async def start(*words: str):
        settings = {
            "SPIFFE_ENDPOINT_SOCKET": workload_api,
            "NSM_LISTEN_ON": f"unix://{tmp_path}/registry.sock",
        }
        registry = await launch("nsm.components.registry", *words, **settings)
        await registry.ready()
        return registry

    return start


def soon() -> Call:
    return Call(deadline=Clock().ticks() + 10)


async def test_killed_amid_a_thousand_registrations_it_has_all_it_answered_for_and_no_half(
    start, ask: Asker, tmp_path: Path
) -> None:
    words = ("--store", str(tmp_path / "records"))
    registry = await start(*words)
    await ask.services.register(soon(), SERVICE)
    acknowledged: dict[str, str] = {}
    answers: list[str] = []
    names = iter([f"nse-{number % 600}" for number in range(REGISTRATIONS)])  # some twice
    lives = iter(range(REGISTRATIONS))

    async def register() -> None:
        for name in names:
            life = str(next(lives))
            kept = await ask.endpoints.register(soon(), nse(name, life))
            acknowledged[name] = life_of(kept)
            answers.append(name)
            if len(answers) == KILLED_AFTER:
                registry.process.send_signal(signal.SIGKILL)

    ends = await asyncio.gather(*(register() for _ in range(AT_ONCE)), return_exceptions=True)
    assert any(isinstance(end, NsmError) for end in ends), "it was killed amid them"
    await registry.ends()
    await start(*words)
    found = await ask.all(ask.endpoints, Endpoint())
    assert KILLED_AFTER <= len(answers) < REGISTRATIONS
    assert set(acknowledged) <= set(found)
    for name, record in found.items():
        assert said_in(record) == nse(name, life_of(record))
        assert int(life_of(record)) >= int(acknowledged.get(name, 0))
    assert [record.payload for record in (await ask.all(ask.services, SERVICE)).values()] == [
        "ETHERNET"
    ]
    await ask.endpoints.register(soon(), nse("nse-0"))  # and it goes on


async def test_without_a_store_a_killed_registry_forgets(start, ask: Asker) -> None:
    registry = await start()
    await ask.endpoints.register(soon(), nse("nse-1"))
    await registry.ends(signal.SIGKILL)
    await start()
    assert await ask.all(ask.endpoints, Endpoint()) == {}


async def test_ended_in_order_it_leaves_one_file(start, ask: Asker, tmp_path: Path) -> None:
    store = tmp_path / "store" / "records"
    store.parent.mkdir()
    registry = await start(f"--store={store}")
    await ask.endpoints.register(soon(), nse("nse-1"))
    assert await registry.ends(signal.SIGTERM) == 0
    assert list(store.parent.iterdir()) == [store]


@pytest.mark.parametrize("words", [("--store",), ("--store=",), ("--stor", "x"), ("x",)])
async def test_words_that_mean_nothing_are_refused(launch, words: tuple[str, ...]) -> None:
    registry = await launch("nsm.components.registry", *words)
    assert await registry.ends() == 2
    assert "usage: nsm registry [--store FILE]" in registry.said


async def test_a_store_that_another_has_open_is_refused_plainly(
    start, launch, workload_api: str, tmp_path: Path
) -> None:
    words = ("--store", str(tmp_path / "records"))
    await start(*words)
    other = await launch(
        "nsm.components.registry",
        *words,
        SPIFFE_ENDPOINT_SOCKET=workload_api,
        NSM_LISTEN_ON=f"unix://{tmp_path}/other.sock",
    )
    assert await other.ends() == 1
    assert "another program has" in other.said
    assert "Traceback" not in other.said
