"""Orders to an authority that runs, over its admin socket and by the command line."""

import asyncio
import json
import os
import socket
import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from nsm.cli import identity
from nsm.cli.root import run
from nsm.components.identity.admin import Admin, path_beside
from nsm.errors import Invalid, NotFound, Unreachable
from nsm.identity.authority import Authority
from nsm.identity.roster import Roster
from nsm.sdk import Clock

WEB, DB = "spiffe://test/web", "spiffe://test/db"


@dataclass
class Running:
    """An authority's admin socket, and what stands behind it."""

    folder: Path
    authority: Authority
    roster: Roster
    kept: int = 0

    async def keep(self) -> None:
        self.kept += 1

    @property
    def url(self) -> str:
        return f"unix://{self.folder}/agent.sock"

    @property
    def path(self) -> str:
        return path_beside(f"{self.folder}/agent.sock")

    async def ask(self, **order: object) -> Any:
        async with asyncio.timeout(10):
            return await asyncio.to_thread(identity.ask, self.url, order)

    async def say(self, line: bytes) -> Any:
        reader, writer = await asyncio.open_unix_connection(self.path)
        writer.write(line)
        answer = await reader.readline()
        writer.close()
        return json.loads(answer) if answer else None

    async def command(self, *words: str) -> tuple[int, str]:
        """What the command line makes of it."""
        runner = CliRunner()
        line = ["identity", *words, "--listen-on", self.url]
        done = await asyncio.to_thread(runner.invoke, identity.command, line[1:])
        return done.exit_code, done.output


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    authority = Authority("test", Clock())
    roster = Roster(tmp_path / "entries.yaml", "test", authority.changes)
    running = Running(tmp_path, authority, roster)
    admin = Admin(running.path, authority, roster, running.keep)
    await admin.start()
    yield running
    admin.close()
    await asyncio.sleep(0)


async def test_an_entry_is_added_listed_and_removed_and_stands_in_the_file(running) -> None:
    assert await running.ask(do="list") == []
    entry = {"id": WEB, "uid": 7, "cgroup": "/x/*"}
    assert await running.ask(do="add", entry=entry) == [entry]
    await running.ask(do="add", entry={"id": DB, "gid": 8})
    assert await running.ask(do="list") == [entry, {"id": DB, "gid": 8}]
    assert WEB in running.roster.file.read_text()
    assert [str(each.id) for each in running.roster.entries] == [WEB, DB]
    assert await running.ask(do="rm", id=WEB) == [entry]
    assert WEB not in running.roster.file.read_text()
    assert running.authority.changes.count == 4


async def test_orders_at_the_same_time_lose_nothing(running) -> None:
    orders = ({"id": f"{WEB}{n}", "uid": n} for n in range(4))
    await asyncio.gather(*(running.ask(do="add", entry=entry) for entry in orders))
    assert len(running.roster.entries) == 4


@pytest.mark.parametrize(
    ("order", "failure"),
    [
        ({"do": "add", "entry": {"id": "spiffe://other/x", "uid": 1}}, Invalid),
        ({"do": "add", "entry": {"id": WEB}}, Invalid),
        ({"do": "add", "entry": {"id": WEB, "uid": [1]}}, Invalid),
        ({"do": "add", "entry": {"id": WEB, "who": 1}}, Invalid),
        ({"do": "rm", "id": WEB}, NotFound),
        ({"do": "rotate", "what": "moon"}, Invalid),
        ({"do": "list", "more": 1}, Invalid),
        ({"do": "stop"}, Invalid),
        ({}, Invalid),
    ],
)
async def test_an_order_that_makes_no_sense_changes_nothing(running, order, failure) -> None:
    with pytest.raises(failure):
        await running.ask(**order)
    assert not running.roster.file.exists()
    assert running.authority.changes.count == 1


@pytest.mark.parametrize("line", [b"{\n", b"[]\n", b"\xff\n", b"null\n"])
async def test_what_is_no_order_is_answered_and_the_next_one_obeyed(running, line) -> None:
    assert (await running.say(line))["error"]["code"] == "INVALID_ARGUMENT"
    assert await running.say(b'{"do": "list"}\n') == {"ok": []}


async def test_a_root_is_rotated_and_kept_and_leaves_are_given_anew(running) -> None:
    answer = await running.ask(do="rotate", what="authority")
    assert answer == {"rotated": "authority", "roots": 2, "signs_in_seconds": 60.0}
    assert (len(running.authority.roots), running.kept) == (2, 1)
    await running.ask(do="rotate")
    assert (running.authority.reissued, running.kept) == (1, 1)


async def test_an_intermediate_is_rotated_by_name(running) -> None:
    before = running.authority.issuing
    assert await running.ask(do="rotate", what="intermediate") == {"rotated": "intermediate"}
    assert running.authority.issuing is not before
    assert (running.authority.reissued, running.kept) == (1, 0)


async def test_nobody_else_may_even_connect(running) -> None:
    assert stat.S_IMODE(os.stat(running.path).st_mode) == 0o600


@pytest.mark.skipif(os.getuid() != 0, reason="needs another user")
async def test_another_user_who_comes_that_far_is_refused(running) -> None:
    os.chmod(running.path, 0o777)
    for folder in (running.folder, *running.folder.parents[:3]):
        folder.chmod(0o755)
    child = os.fork()
    if not child:
        _stranger(running.path)
    await asyncio.sleep(0.2)
    async with asyncio.timeout(10):
        _, status = await asyncio.to_thread(os.waitpid, child, 0)
    assert os.waitstatus_to_exitcode(status) == 42


def _stranger(path: str) -> None:
    code = 1
    try:
        os.setgid(65534)
        os.setuid(65534)
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(5)
            sock.connect(path)
            sock.sendall(b'{"do": "rotate"}\n')
            code = 42 if b"PERMISSION_DENIED" in sock.recv(4096) else 2
    finally:
        os._exit(code)


async def test_an_authority_that_is_not_there_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="is not there"):
        identity.ask(f"unix://{tmp_path}/agent.sock", {"do": "list"})
    with pytest.raises(Invalid, match="no unix socket"):
        identity.ask("tcp://127.0.0.1:1", {"do": "list"})


async def test_the_command_line_adds_lists_and_removes(running) -> None:
    code, said = await running.command("entry", "add", WEB, "--uid", "7", "--hint", "more")
    assert (code, WEB in said, "uid=7" in said) == (0, True, True)
    code, said = await running.command("entry", "list", "-o", "json")
    assert json.loads(said) == [{"id": WEB, "uid": 7, "hint": "more"}]
    assert (await running.command("entry", "rm", WEB))[0] == 0
    assert "nobody is anybody" in (await running.command("entry", "list"))[1]
    assert "new certificate" in (await running.command("rotate"))[1]
    assert "new intermediate" in (await running.command("rotate", "intermediate"))[1]
    assert "2 are believed" in (await running.command("rotate", "authority"))[1]


async def test_a_path_is_meant_from_where_the_command_is_given(running, monkeypatch) -> None:
    monkeypatch.chdir(running.folder)
    await running.command("entry", "add", WEB, "--exe", "entries.yaml")
    ((place,),) = [entry.places for entry in running.roster.entries]
    assert place == ("exe", str(running.folder / "entries.yaml"))


async def test_a_failure_has_an_exit_code_and_is_told_to_programs(running, capsys) -> None:
    line = ["identity", "entry", "rm", WEB, "--listen-on", running.url, "-o", "json"]
    assert await asyncio.to_thread(run, line) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "NOT_FOUND"


def test_every_order_is_explained_by_example_and_the_program_still_is(capsys) -> None:
    for words in (["entry", "add"], ["entry", "list"], ["entry", "rm"], ["rotate"]):
        assert run(["identity", *words, "--help"]) == 0
        assert "nsm identity" in capsys.readouterr().out.partition("Options")[0][10:]
    assert run(["identity", "--help"]) == 0
    assert "NSM_TRUST_DOMAIN" in capsys.readouterr().out
