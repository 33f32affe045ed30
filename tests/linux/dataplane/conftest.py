"""Real namespaces, each test's own, and a driver that leaves nothing behind."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest

from nsm.dataplane.named import _wake_loopback
from nsm.dataplane.netns import Netns, returning_home, standing_in, unshare


@pytest.fixture(autouse=True)
def as_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")


@dataclass
class Told:
    """What a command said."""

    code: int
    out: str


@pytest.fixture
async def spaces() -> AsyncIterator[Callable[[], Netns]]:
    """Makes namespaces that die with the test: nothing is bound to a path."""
    made: list[Netns] = []

    def make() -> Netns:
        with returning_home():
            unshare()
            _wake_loopback()
            made.append(Netns.current())
        return made[-1]

    yield make
    for netns in made:
        netns.close()


async def tell(netns: Netns, *command: str) -> Told:
    """Run a command in a namespace."""

    def run() -> Told:
        with standing_in(netns):
            done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        return Told(done.returncode, done.stdout + done.stderr)

    return await asyncio.to_thread(run)


async def pings(netns: Netns, address: str, *, size: int = 56, more: tuple[str, ...] = ()) -> bool:
    """Whether an echo of that many bytes of data comes back unfragmented, on a busy machine too."""
    command = ("ping", "-c2", "-i0.5", "-W2", "-Mdo", f"-s{size}", *more, address)
    return (await tell(netns, *command)).code == 0
