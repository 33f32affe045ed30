"""The authority at work, over a real socket."""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from nsm.components.identity.config import Config
from nsm.components.identity.program import run
from nsm.config import load
from nsm.errors import Invalid
from nsm.identity.bundle import Bundles
from nsm.sdk import Tasks
from nsm.workload.client import follow


@pytest.fixture
def config(tmp_path: Path) -> Config:
    entries = tmp_path / "entries.yaml"
    entries.write_text(f"entries: [{{id: spiffe://test/web, uid: {os.getuid()}}}]")
    return load(
        Config,
        {
            "NSM_TRUST_DOMAIN": "test",
            "NSM_LISTEN_ON": f"unix://{tmp_path}/agent.sock",
            "NSM_ENTRIES": str(entries),
        },
    )


def socket_exists(config: Config) -> bool:
    return Path(config.listen_on.removeprefix("unix://")).exists()


@asynccontextmanager
async def running(config: Config) -> AsyncIterator[None]:
    stopping, up = asyncio.Event(), asyncio.Event()
    program = asyncio.ensure_future(run(config, stopping, up.set))
    await asyncio.wait({program, asyncio.ensure_future(up.wait())}, return_when="FIRST_COMPLETED")
    try:
        yield
    finally:
        stopping.set()
        await program


async def identity(config: Config) -> tuple[str, Bundles]:
    tasks = Tasks()
    source = await follow(config.listen_on, tasks)
    await tasks.stop()
    return source.id, source.bundles


async def test_it_gives_identities_until_told_to_stop_and_leaves_no_socket(config) -> None:
    async with running(config):
        assert (await identity(config))[0] == "spiffe://test/web"
    assert not socket_exists(config)


async def test_with_a_store_its_roots_outlive_it_and_without_they_do_not(config, tmp_path) -> None:
    for store, same in (("", False), (str(tmp_path / "store"), True)):
        bundles = []
        for _ in range(2):
            async with running(replace(config, store=store)):
                bundles.append((await identity(config))[1])
        assert (bundles[0] == bundles[1]) is same


async def test_a_damaged_store_makes_a_new_authority_and_not_a_dead_one(config, tmp_path) -> None:
    config = replace(config, store=str(tmp_path))
    async with running(config):
        pass
    (tmp_path / "authority.pem").write_bytes(b"garbage")
    async with running(config):
        assert await identity(config)
    assert (tmp_path / "authority.damaged").exists()


async def test_whoever_it_serves_goes_on_by_itself_when_its_store_is_lost(config, tmp_path) -> None:
    config = replace(config, store=str(tmp_path / "store"))
    tasks = Tasks()
    async with running(config):
        web, other = [await follow(config.listen_on, tasks) for _ in range(2)]
        old = web.svid.chain[-1]
    shutil.rmtree(config.store)
    async with asyncio.timeout(20), running(config):
        for source in (web, other):
            await source.changes.past(1)
        assert web.svid.chain[-1] != old
        assert web.verify([*other.svid.chain, *web.bundles.anchors["test"]]).id == other.id
        assert Path(config.store, "authority.pem").exists()
    await tasks.stop()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"listen_on": "tcp://127.0.0.1:0"}, "no unix socket"),
        ({"authority_lifetime": timedelta(hours=2)}, "four times"),
    ],
)
async def test_what_cannot_work_is_an_error_from_the_start(config, change, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        await run(replace(config, **change), asyncio.Event())


async def test_a_bad_file_of_entries_is_an_error_from_the_start(config) -> None:
    config.entries.write_text("entries: [{}]")
    with pytest.raises(Invalid, match="without selectors"):
        await run(config, asyncio.Event())


async def test_the_program_starts_alone_and_stops_when_told(config, tmp_path: Path) -> None:
    environ = {
        "NSM_TRUST_DOMAIN": "test",
        "NSM_LISTEN_ON": config.listen_on,
        "NSM_ENTRIES": str(config.entries),
        "PATH": os.environ["PATH"],
    }
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "nsm.components.identity", env=environ
    )
    try:
        assert (await identity(config))[0] == "spiffe://test/web"
        program.send_signal(signal.SIGTERM)
        async with asyncio.timeout(20):
            assert await program.wait() == 0
    finally:
        if program.returncode is None:
            program.kill()
            await program.wait()
    assert not socket_exists(config)
