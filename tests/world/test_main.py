"""The leash of a supervisor: what lets it live on, and what ends it."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from nsm.sdk import Clock
from nsm.world.__main__ import Leash
from nsm.world.ground import Home
from nsm.world.planning import plan
from nsm.world.spec_read import read
from nsm.world.supervisor import Supervisor

TEXT = """
endpoints: {gw: {serves: s, run: firewall}}
workloads: {web: {wants: [kernel://s/nsm-1], run: [sleep, "99"]}}
"""
BOUND = 20.0
ALL = 1 << 20


class Held:
    """A supervisor that does nothing yet, its leash, and the end of whoever holds that."""

    def __init__(self, home: Home) -> None:
        said = read(TEXT, Path("lab.yaml"))
        self.supervisor = Supervisor(plan(said, home, Path("/"), {"PATH": "/bin"}), home, Clock())
        self.ours, theirs = socket.socketpair()
        self.ours.setblocking(False)
        self.theirs = theirs
        self.leash = Leash(theirs)
        self.holding = self.supervisor.tasks.start("leash", self.leash.hold(self.supervisor))

    async def hear(self, most: int = ALL) -> bytes:
        loop = asyncio.get_running_loop()
        return await asyncio.wait_for(loop.sock_recv(self.ours, most), BOUND)

    def leave(self, word: bytes) -> None:
        """As `nsm up` does it: in one go, before the supervisor gets its turn."""
        self.ours.sendall(word)
        self.ours.close()

    async def lives_on(self) -> bool:
        await asyncio.wait_for(self.holding, BOUND)
        return not self.supervisor.over.is_set()


@pytest.fixture
async def held(tmp_path: Path) -> AsyncIterator[Held]:
    held = Held(Home("lab", tmp_path))
    yield held
    await held.supervisor.tasks.stop()
    held.ours.close()
    held.theirs.close()


@pytest.mark.parametrize("heard", [ALL, 1], ids=["all news heard", "news unheard"])
async def test_a_mesh_is_kept_also_when_its_status_changes_just_then(
    held: Held, heard: int
) -> None:
    assert await held.hear(heard)
    held.leave(b"keep\n")
    await held.leash.say({"status": "changed"})
    assert await held.lives_on()


@pytest.mark.parametrize("heard", [ALL, 1], ids=["all news heard", "news unheard"])
async def test_a_mesh_is_kept_when_nothing_changes(held: Held, heard: int) -> None:
    assert await held.hear(heard)
    held.leave(b"keep\n")
    assert await held.lives_on()


async def test_a_word_in_pieces_is_a_word(held: Held) -> None:
    held.ours.send(b"ke")
    await held.hear()
    held.leave(b"ep\n")
    assert await held.lives_on()


@pytest.mark.parametrize("word", [b"", b"kee", b"keeper\n", b"down\n", b"x" * (1 << 16)])
async def test_a_mesh_ends_with_whoever_leaves_without_the_word(held: Held, word: bytes) -> None:
    await held.hear()
    held.leave(word)
    assert not await held.lives_on()


async def test_news_told_at_once_are_whole_lines(held: Held) -> None:
    held.theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    long = [{"step": name * 100_000} for name in "abc"]
    telling = [asyncio.create_task(held.leash.say(news)) for news in long]
    heard = b""
    while heard.count(b"\n") < 4:
        heard += await held.hear()
    await asyncio.gather(*telling)
    lines = [json.loads(line) for line in heard.splitlines()]
    assert [line for line in lines if "step" in line] == long


async def test_a_holder_that_hears_nothing_can_let_go(held: Held) -> None:
    telling = asyncio.create_task(held.leash.say({"step": "x" * (1 << 22)}))
    await held.hear(1)
    held.leave(b"keep\n")
    assert await held.lives_on()
    await asyncio.wait_for(telling, BOUND)
