"""What all tests stand on."""

import asyncio
import inspect
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

from nsm.components.identity.config import Config as IdentityConfig
from nsm.components.identity.program import run as run_authority
from nsm.config import load

from .launched import Launched
from .leaving import descriptors_let_go, files_removed, tasks_ended, temporary_folder
from .ours import take_down

PHASES: tuple[Literal["setup", "call", "teardown"], ...] = ("setup", "call", "teardown")

settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")  # a busy machine is no reason for a property to fail


signal.signal(signal.SIGINT, signal.default_int_handler)
"""A shell lets its background jobs ignore it, and so would everything that tests start there."""

SHARING = {"attacks", "chaos", "docs", "interop", "linux", "node", "soak", "world"}
"""Whose tests share what they make on the host: a mesh, a build, names."""


class Lanes(LoadScopeScheduling):
    """Keeps in one lane what belongs together: a family that shares something, or else a file."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        about = file.split("/")[1]
        return about if about in SHARING else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Lanes:
    """Used where tests run in several lanes, as `make test` has them."""
    return Lanes(config, log)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A lane that was interrupted had no time to take down its meshes."""
    if not hasattr(session.config, "workerinput"):
        take_down()


@pytest.fixture(scope="session", autouse=True)
def current_loop() -> Iterator[None]:
    """A loop for those who ask for the current one outside a test (looptime's plugin does)."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    loop.close()


@pytest.fixture(scope="session", autouse=True)
def temporary_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Have a place of their own, but for those that pytest gives out."""
    tmp_path_factory.getbasetemp()
    with temporary_folder():
        yield


@pytest.fixture(autouse=True)
def nothing_lies_about(temporary_files: None) -> Iterator[None]:
    """No test leaves a file on the host that it did not find there."""
    with files_removed():
        yield


@pytest.fixture(autouse=True)
def nothing_stays_open(
    request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> Iterator[None]:
    """No test leaves a descriptor open that it did not find open.

    What was written to the log knows, by its errors, whoever was at work.
    """
    with descriptors_let_go():
        yield
        request.node.funcargs.clear()  # what nobody but the test knew is forgotten
        for when in PHASES:
            for record in caplog.get_records(when):
                record.msg, record.args, record.exc_info = record.getMessage(), None, None


@pytest.fixture(autouse=True)
def nothing_goes_on(request: pytest.FixtureRequest, nothing_stays_open: None) -> None:
    """No test leaves a task running: its loop has nothing to do when all else is taken back."""
    if inspect.iscoroutinefunction(getattr(request, "function", None)):
        request.getfixturevalue("every_task_ends")


@pytest.fixture
async def every_task_ends() -> AsyncIterator[None]:
    """Set up before all others that have a loop, so that it looks after them."""
    yield
    await tasks_ended()


@pytest.fixture
async def workload_api(tmp_path: Path) -> AsyncIterator[str]:
    """The URL of a real authority, to which whoever runs as this user is `spiffe://test/me`."""
    entries = tmp_path / "entries.yaml"
    entries.write_text(f"entries: [{{id: spiffe://test/me, uid: {os.getuid()}}}]")
    url = f"unix://{tmp_path}/agent.sock"
    environ = {"NSM_TRUST_DOMAIN": "test", "NSM_LISTEN_ON": url, "NSM_ENTRIES": str(entries)}
    stop, ready = asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(run_authority(load(IdentityConfig, environ), stop, ready.set))
    await ready.wait()
    yield url
    stop.set()
    await running


@pytest.fixture
async def launch(tmp_path: Path) -> AsyncIterator[Callable[..., Awaitable[Launched]]]:
    """Start `python -m MODULE WORDS`, with settings as keywords; it ends with the test."""
    running: list[Launched] = []
    numbers = count()

    async def start(module: str, *words: str, **environ: str) -> Launched:
        where = tmp_path / f"news-{next(numbers)}"
        running.append(await Launched.start(where, module, *words, **environ))
        return running[-1]

    yield start
    for one in running:
        await one.close()
