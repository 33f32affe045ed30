"""What a program says that it holds, and to whom."""

import asyncio
import json
import os
import stat
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from nsm.api.connection import Connection, Segment
from nsm.api.connection import Path as Hops
from nsm.api.timestamp import Timestamp
from nsm.identity.authority import Authority
from nsm.identity.fake import FakeSource
from nsm.program import Program, inventory
from nsm.sdk import Clock
from nsm.sdk.lives import Lives

AUTHORITY = Authority("test", Clock())


@pytest.fixture
async def program() -> AsyncIterator[Program]:
    source = FakeSource.of("spiffe://test/me", AUTHORITY)
    running = Program(name="me", environ={}, identity=source, tokens=source, dialer=None)
    yield running
    await running.end()


@pytest.fixture
async def ready(program: Program, tmp_path: Path) -> Path:
    """Where a program that is ready says what it holds."""
    path = tmp_path / "holds.sock"
    await inventory.serve(program, str(path))
    program.ready()
    return path


async def asked(path: Path) -> dict:
    reader, writer = await asyncio.open_unix_connection(path)
    said = json.loads(await reader.read())
    writer.close()
    return said


async def test_whoever_connects_is_told_all_and_hung_up_on(program: Program, tmp_path) -> None:
    path = tmp_path / "me" / "holds.sock"
    await inventory.serve(program, str(path))
    needs = program.needs(timedelta(0))
    hops = (Segment("web", "web-0", "secret", Timestamp(5)), Segment("me", "x"))
    needs.events.publish(Connection("x", path=Hops(1, hops)))
    lives = Lives(program.tasks, program.clock)
    lives.lived["y"] = object()
    program.holdings.addresses.by(lambda: [("x", "10.0.0.1")])
    told = await asked(path)
    assert told["connections"] == [
        {
            "id": "x",
            "program": "me",
            "index": 1,
            "path": [
                {"name": "web", "id": "web-0", "expires": 5.0},
                {"name": "me", "id": "x", "expires": 0.0},
            ],
            "addresses": [],
        }
    ]
    assert told["lives"] == ["y"]
    assert told["addresses"] == [["x", "10.0.0.1"]]
    assert told["pid"] == os.getpid()
    assert "secret" not in json.dumps(told)


async def test_only_its_own_user_may_ask_and_the_socket_goes_with_the_program(
    program: Program, tmp_path
) -> None:
    path = tmp_path / "holds.sock"
    await inventory.serve(program, str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    await program.end()
    assert not path.exists()


async def test_a_socket_that_nobody_keeps_is_counted_once_the_program_is_ready(
    program: Program, ready: Path, tmp_path: Path
) -> None:
    assert (await asked(ready))["sockets"] in (0, 1), "the asker's own end is in this process, too"
    before = (await asked(ready))["sockets"]
    ours = await asyncio.start_unix_server(lambda *_: None, tmp_path / "more")
    assert (await asked(ready))["sockets"] == before + 1
    program.holdings.sockets.by(lambda: [1])
    assert (await asked(ready))["sockets"] == before
    ours.close()


async def test_a_file_that_was_not_open_when_the_program_was_ready_is_told(
    ready: Path, tmp_path: Path
) -> None:
    with (tmp_path / "kept").open("w"):
        assert str(tmp_path / "kept") in (await asked(ready))["files"]
    assert str(tmp_path / "kept") not in (await asked(ready))["files"]


async def test_the_vnis_that_a_forwarder_holds_are_told(program: Program) -> None:
    program.holdings.vnis.by(lambda: [("x", 42)])
    assert inventory.taken(program).vnis == [("x", 42)]


async def test_an_alarm_for_what_is_over_is_stale_until_it_is_called_off(
    program: Program,
) -> None:
    class Over:
        key, current = "x", False

        def ring(self) -> None: ...

    alarm = program.clock.after(100, Over().ring)
    assert inventory.taken(program).stale == ["x"]
    alarm.cancel()
    assert inventory.taken(program).stale == []
