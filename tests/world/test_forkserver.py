"""Programs are forked off a process that has imported everything."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from nsm.sdk import Tasks
from nsm.world.forkserver import ForkServer, Started
from nsm.world.zygote import Spawn

HERE = Path(__file__).parent


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ForkServer]:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), *filter(None, sys.path)]))
    tasks = Tasks()
    server = ForkServer(tasks)
    await server.start()
    yield server
    server.close()
    await tasks.stop()


async def run(server: ForkServer, spawn: Spawn) -> int | None:
    done: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
    await server.spawn(spawn, done.set_result)
    async with asyncio.timeout(20):
        return await done


def shell(log: Path, text: str, **said: object) -> Spawn:
    environ = {"PATH": os.environ["PATH"], "A": "1"}
    spawn = {"title": "test", "argv": ["sh", "-c", text], "environ": environ, "log": str(log)}
    return Spawn(**{**spawn, **said})  # type: ignore[arg-type]


async def test_a_command_runs_with_its_environment_and_its_log(
    server: ForkServer, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    assert (
        await run(server, shell(log, "echo out $A; echo err >&2; pwd; exit 3", folder="/usr")) == 3
    )
    assert log.read_text() == "out 1\nerr\n/usr\n"


async def test_a_log_is_appended_to(server: ForkServer, tmp_path: Path) -> None:
    for _ in range(2):
        await run(server, shell(tmp_path / "log", "echo again"))
    assert (tmp_path / "log").read_text() == "again\nagain\n"


async def test_a_program_of_ours_is_entered_without_a_new_interpreter(
    server: ForkServer, tmp_path: Path
) -> None:
    environ = {"NSM_NAME": "me"}
    spawn = Spawn(
        title="me", program="stand_in", argv=["once"], environ=environ, log=str(tmp_path / "log")
    )
    assert await run(server, spawn) == 0
    assert (tmp_path / "log").read_text() == "here is me\n"


async def test_how_a_program_ended_is_told(server: ForkServer, tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert await run(server, shell(log, "kill -KILL $$")) == -signal.SIGKILL
    assert await run(server, shell(log, "", argv=["/no/such/program"])) == 127
    assert await run(server, Spawn(title="x", program="no.such", log=str(log))) == 126
    assert "no.such" in log.read_text() or "No module" in log.read_text()


async def test_a_program_that_runs_takes_signals_until_it_has_ended(
    server: ForkServer, tmp_path: Path
) -> None:
    done: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
    started = await server.spawn(shell(tmp_path / "log", "exec sleep 60"), done.set_result)
    assert started.alive
    assert started.signal(signal.SIGTERM)
    async with asyncio.timeout(20):
        assert await done == -signal.SIGTERM
    assert not started.alive
    assert not started.signal(signal.SIGTERM)


async def test_another_zygote_is_begun_when_one_dies_and_programs_go_on(
    server: ForkServer, tmp_path: Path
) -> None:
    done: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
    started = await server.spawn(shell(tmp_path / "log", "exec sleep 60"), done.set_result)
    before = server.pid
    os.kill(before, signal.SIGKILL)
    assert await run(server, shell(tmp_path / "log", "exit 5")) == 5
    assert server.pid != before
    assert started.alive
    started.signal(signal.SIGKILL)
    async with asyncio.timeout(20):
        assert await done is None


def test_a_pid_that_means_another_process_by_now_is_left_alone() -> None:
    assert not Started(os.getpid(), 1).signal(signal.SIGKILL)
