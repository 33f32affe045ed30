"""Our programs on somebody else's Workload API, which has the habits of SPIRE's."""

import asyncio
import logging
import os
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.identity.test_over_sockets import pair
from tests.interop.building import go
from tests.interop.nodes import SERVICE, two
from tests.interop.site import Site
from tests.workload.conftest import Ear

from nsm.identity import der
from nsm.identity.source import Source
from nsm.sdk import Tasks
from nsm.workload.client import follow

HERE = Path(__file__).parent / "issuer"
MANAGER, WEB = "spiffe://issuer.test/ns/x/manager", "spiffe://issuer.test/ns/x/web"
OTHER = "spiffe://issuer.test/also"
PATIENCE = 20.0

pytestmark = pytest.mark.interop


@dataclass
class Issuer:
    """The Go process, told what to do."""

    process: asyncio.subprocess.Process
    folder: Path

    def agent(self, name: str) -> str:
        """Where those of that name get their identity."""
        return f"unix://{self.folder}/{name}.sock"

    async def told(self, *orders: str) -> None:
        """Do this, one after the other."""
        for order in orders:
            self.process.stdin.write(f"{order}\n".encode())
            async with asyncio.timeout(PATIENCE):
                assert await self.process.stdout.readline() == f"done {order}\n".encode()


@pytest.fixture(scope="session")
def executable(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Path:
    """The issuer, built once for all."""
    command = go()
    if command is None:
        if pytestconfig.getoption("markexpr") == "interop":
            pytest.exit("no Go on this machine: install Go 1.26 or newer", returncode=3)
        pytest.skip("no Go on this machine: install Go and run `make interop`")
    made = tmp_path_factory.mktemp("issuer") / "issuer"
    words = [command, "build", "-buildvcs=false", "-o", str(made), "."]
    done = subprocess.run(words, cwd=HERE, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return made


@pytest.fixture
async def issuer(executable: Path, tmp_path: Path) -> AsyncIterator[Issuer]:
    """Running, with its sockets there and without an entry."""
    (folder := tmp_path / "issuer").mkdir()
    sockets = {"manager": f"{MANAGER},{OTHER}", "web": f"{WEB},{OTHER}"}
    process = await asyncio.create_subprocess_exec(
        *(executable, "issuer.test"),
        *(f"{folder}/{name}.sock={ids}" for name, ids in sockets.items()),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    running = Issuer(process, folder)
    await running.told("return")
    yield running
    process.stdin.close()
    try:
        async with asyncio.timeout(PATIENCE):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.fixture
async def tasks() -> AsyncIterator[Tasks]:
    tasks = Tasks()
    yield tasks
    await tasks.stop()


async def changed(source: Source, epoch: int) -> int:
    async with asyncio.timeout(PATIENCE):
        return await source.changes.past(epoch)


async def test_of_several_identities_the_first_counts_whatever_the_others_are(
    issuer, tasks
) -> None:
    """The others have RSA keys, on which no program of ours would start."""
    await issuer.told("entries on")
    source = await follow(issuer.agent("web"), tasks)
    assert source.id == WEB
    assert len(source.svid.chain) == 2
    begun = der.load(source.svid.leaf).not_valid_before_utc.timestamp()
    assert begun < source._clock.now() - 9


async def test_a_program_waits_until_it_has_an_entry(issuer, tasks) -> None:
    ear = Ear()
    logging.getLogger("nsm.workload").addHandler(ear)
    waiting = asyncio.ensure_future(follow(issuer.agent("web"), tasks, patience=PATIENCE))
    await ear.hears("no entry there yet")
    logging.getLogger("nsm.workload").removeHandler(ear)
    assert not waiting.done()
    await issuer.told("entries on")
    assert (await waiting).id == WEB


async def test_updates_are_followed_and_a_socket_that_returns_is_found_again(issuer, tasks) -> None:
    await issuer.told("entries on")
    source = await follow(issuer.agent("web"), tasks)
    epoch, first = source.epoch, source.svid.leaf
    await issuer.told("rotate")
    epoch = await changed(source, epoch)
    assert source.svid.leaf != first
    await issuer.told("root")
    epoch = await changed(source, epoch)
    assert len(source.bundles.anchors["issuer.test"]) == 2
    before = source.svid.leaf
    await issuer.told("vanish")
    assert source.svid.leaf == before
    await issuer.told("entries off", "return", "entries on")
    await changed(source, epoch)
    assert source.svid.leaf != before


async def test_two_programs_believe_each_other_before_during_and_after_a_new_root(
    issuer, tasks, tmp_path
) -> None:
    await issuer.told("entries on")
    web, manager = [await follow(issuer.agent(name), tasks) for name in ("web", "manager")]
    async with pair(tmp_path, web, manager) as both:
        assert (await both.ask("c1")).id == "c1"
        for order in ("rotate", "root", "rotate"):
            old = await both.pool.dial(both.url, 5)
            epochs = web.epoch, manager.epoch
            await issuer.told(order)
            for source, epoch in zip((web, manager), epochs, strict=True):
                await changed(source, epoch)
            assert (await both.ask("c2")).id == "c2"
            assert (await both.ask_over(old, "c1")).id == "c1"
        assert {call.peer.id for call in both.heard.calls} == {WEB}


@pytest.mark.linux
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
async def test_a_two_node_world_runs_on_it_and_holds_over_rotations_and_without_it(
    issuer, tmp_path
) -> None:
    await issuer.told("entries on")
    site = Site(tmp_path / "site", issuer.agent("manager"))
    try:
        await two(site)
        await site.space("server")
        settings = {"connect_to": site.manager("far"), "cidr_prefix": "10.77.0.0/24"}
        await site.start("nsm.components.endpoint", "server", "server", SERVICE, **settings)
        site.agent = issuer.agent("web")
        await site.space("client")
        asked = {"network_services": f"kernel://{SERVICE}/nsm-1", "connect_to": site.manager()}
        await site.start("nsm.components.client", "nsc", "client", **asked)
        for orders in (("rotate",), ("root",), ("rotate",), ("vanish",)):
            assert "1 received" in await site.pings("client", "10.77.0.0")
            await issuer.told(*orders)
            await asyncio.sleep(0.5)
        assert "1 received" in await site.pings("client", "10.77.0.0")
        await site.stop("nsc")  # it closes, over the channels there are
        assert await site.interfaces("client") == set()
    finally:
        await site.close()
