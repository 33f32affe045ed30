"""Real namespaces, each test's own, and a driver that leaves nothing behind."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

import pytest

from nsm.dataplane.kernel import Kernel
from nsm.dataplane.named import _wake_loopback
from nsm.dataplane.netns import Netns, returning_home, standing_in, unshare


@pytest.fixture(scope="session", autouse=True)
def a_loop_that_is_closed() -> Iterator[None]:
    """What looptime's plugin asks for beside the first synchronous test, and would leave open."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    loop.close()


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
async def kernel() -> AsyncIterator[Kernel]:
    kernel = Kernel()
    yield kernel
    await kernel.close()


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
