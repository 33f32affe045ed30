"""An authority, Go children that it knows, and this process as a program of ours."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.interop.building import built, go
from tests.interop.nodes import apart, together
from tests.interop.peer import GoPeers
from tests.interop.site import Site

from nsm.components.identity.config import Config
from nsm.components.identity.program import run
from nsm.config import load
from nsm.identity.source import Source
from nsm.rpc import Pool, serve
from nsm.sdk import Offer, Tasks
from nsm.workload.client import follow

US, GO = "spiffe://test/python", "spiffe://test/go"
Serving = Callable[..., Awaitable[str]]


FIGURES = pytest.StashKey[list[str]]()


@pytest.fixture
def figures(pytestconfig: pytest.Config) -> list[str]:
    """Lines that are printed when all tests have run."""
    return pytestconfig.stash.setdefault(FIGURES, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was measured."""
    if lines := terminalreporter.config.stash.get(FIGURES, []):
        terminalreporter.section("figures of this machine, as it was")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def executable(pytestconfig: pytest.Config) -> Path:
    """The Go peer, built once; who asks for these tests and no others must have Go."""
    if go() is not None:
        return built()
    if pytestconfig.getoption("markexpr") == "interop":
        pytest.exit("no Go on this machine: install Go 1.26 or newer", returncode=3)
    pytest.skip("no Go on this machine: install Go and run `make interop`")


@asynccontextmanager
async def authority(folder: Path, executable: Path, **more: str) -> AsyncIterator[str]:
    """The Workload API of an authority of its own: Go children are GO, all else here is US."""
    folder.mkdir()
    entries = folder / "entries.yaml"
    known = [f"{{id: '{GO}', exe: '{executable}'}}", f"{{id: '{US}', uid: {os.getuid()}}}"]
    entries.write_text(f"entries: [{', '.join(known)}]")
    url = f"unix://{folder}/agent.sock"
    settings = {"NSM_TRUST_DOMAIN": "test", "NSM_LISTEN_ON": url, "NSM_ENTRIES": str(entries)}
    config = load(Config, {**settings, **{f"NSM_{key.upper()}": more[key] for key in more}})
    stopping, up, tasks = asyncio.Event(), asyncio.Event(), Tasks()
    tasks.start("authority", run(config, stopping, up.set))
    async with asyncio.timeout(20):
        await up.wait()
    yield url
    await tasks.stop()


@pytest.fixture
async def agent(tmp_path: Path, executable: Path) -> AsyncIterator[str]:
    """Where Go children and we get identities."""
    async with authority(tmp_path / "authority", executable) as url:
        yield url


@pytest.fixture
async def stranger(tmp_path: Path, executable: Path) -> AsyncIterator[str]:
    """The same, by an authority that calls itself the same and is not trusted."""
    async with authority(tmp_path / "stranger", executable) as url:
        yield url


@pytest.fixture
async def peers(executable: Path, agent: str) -> AsyncIterator[GoPeers]:
    """Starts Go children."""
    started = GoPeers(executable, agent)
    yield started
    await started.close()


@pytest.fixture
async def source(agent: str) -> AsyncIterator[Source]:
    """Our identity."""
    tasks = Tasks()
    yield await follow(agent, tasks)
    await tasks.stop()


@pytest.fixture
async def pool(source: Source) -> AsyncIterator[Pool]:
    """Our way to others."""
    made = Pool(source, source)
    yield made
    await made.close()


@pytest.fixture
async def serving(source: Source, tmp_path: Path) -> AsyncIterator[Serving]:
    """Serves an offer of ours, at a unix socket or at a TCP port."""
    servers = []

    async def begin(offer: Offer, kind: str = "unix") -> str:
        where = {"unix": f"unix://{tmp_path}/ours.sock", "tcp": "tcp://127.0.0.1:0"}[kind]
        servers.append(await serve(offer, [where], source, source, hop="ours"))
        return servers[-1].addresses[0]

    yield begin
    for server in servers:
        await server.close(grace=0.5)


@pytest.fixture
async def empty(tmp_path: Path, agent: str) -> AsyncIterator[Site]:
    """A site where nothing runs."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    site = Site(tmp_path / "site", agent)
    yield site
    await site.close()


@pytest.fixture(params=[apart, together], ids=lambda form: form.__name__)
async def site(request: pytest.FixtureRequest, empty: Site) -> Site:
    """A node of ours, in either form."""
    await request.param(empty)
    return empty


@pytest.fixture
async def node(empty: Site) -> Site:
    """A node of ours in one process."""
    await together(empty)
    return empty
