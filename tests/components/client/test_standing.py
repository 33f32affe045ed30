"""A vWire of an earlier life is gone on with only where it still is one."""

import asyncio
import os
from dataclasses import replace

import pytest

from nsm.api.connection import DOWN, UP, Connection
from nsm.api.mechanism import INODE_URL, KERNEL, LOCAL, Mechanism
from nsm.api.names import InodeUrl
from nsm.components.client.standing import looked_at
from nsm.elements.lifecycle import Liveness

pytestmark = pytest.mark.looptime

NETNS = "/proc/self/ns/net"


def made_in(url: str) -> Connection:
    return Connection("web-0", mechanism=Mechanism(LOCAL, KERNEL, {INODE_URL: url}))


def own() -> str:
    stat = os.stat(NETNS)
    return str(InodeUrl(stat.st_dev, stat.st_ino))


async def state(conn: Connection, liveness: Liveness | None = None) -> int:
    return (await looked_at({"web-0": conn}, NETNS, liveness))["web-0"].state


def saying(answer: bool, after: float = 0.0) -> Liveness:
    async def alive(conn: Connection) -> bool:
        await asyncio.sleep(after)
        return answer

    return Liveness(alive, within=1.0)


@pytest.mark.parametrize("conn", [made_in(own()), made_in(""), Connection("web-0")])
async def test_what_was_made_here_stands(conn: Connection) -> None:
    assert await state(conn) == UP
    assert await state(conn, saying(True)) == UP


async def test_what_carries_stands_whatever_was_said_of_it() -> None:
    """While a client is dead its manager may lose the next hop, and nobody asks again."""
    down = replace(made_in(own()), state=DOWN)
    assert await state(down, saying(True)) == UP
    assert await state(down) == DOWN, "nobody looked"


@pytest.mark.parametrize("liveness", [None, saying(True)])
async def test_what_was_made_in_another_namespace_is_down(liveness: Liveness | None) -> None:
    assert await state(made_in("inode://1/1"), liveness) == DOWN


async def failing(conn: Connection) -> bool:
    raise OSError("no such interface")


@pytest.mark.parametrize(
    "liveness", [saying(False), saying(True, after=2.0), Liveness(failing, within=1.0)]
)
async def test_what_does_not_carry_is_down(liveness: Liveness) -> None:
    assert await state(made_in(own()), liveness) == DOWN
