import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from nsm.api.mechanism import Mechanism
from nsm.components.forwarder.collecting import EVERY, collect
from nsm.dataplane.kernel import Kernel
from nsm.dataplane.ledger import NodeKey, Tag
from nsm.dataplane.netns import Netns, returning_home, unshare
from nsm.dataplane.ops import AddVeth, LinkEnd
from nsm.dataplane.plan import Underlay
from nsm.dataplane.vnis import Vnis
from nsm.elements.kernel import JoinNamespaces
from nsm.sdk import Clock, Slot

pytestmark = pytest.mark.linux


class Once(Clock):
    """A clock whose sleeper never wakes, and tells that it sleeps."""

    def __init__(self) -> None:
        self.asleep = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        assert seconds == EVERY
        self.asleep.set()
        await asyncio.Event().wait()


@pytest.fixture
def spaces() -> Iterator[list[Netns]]:
    """Two namespaces with somebody in them, as those of workloads have."""
    made, processes = [], []
    for _ in range(2):
        with returning_home():
            unshare()
            made.append(Netns.current())
            processes.append(subprocess.Popen(["sleep", "60"]))
    yield made
    for process in processes:
        process.kill()
        process.wait()


async def test_what_expired_goes_and_what_has_not_or_is_not_ours_stays(
    spaces: list[Netns], tmp_path: Path
) -> None:
    here, there = spaces
    ours, clock = NodeKey.kept_in(tmp_path / "key"), Once()
    theirs = NodeKey.kept_in(tmp_path / "other")
    aliases = {
        "old": ours.alias(Tag.of("old", "client", expires=1)),
        "good": ours.alias(Tag.of("good", "client", expires=clock.now() + 600)),
        "theirs": theirs.alias(Tag.of("old", "client", expires=1)),
        "plain": "",
    }
    kernel = Kernel()
    try:
        for name, alias in aliases.items():
            ends = (LinkEnd(here, name, alias=alias), LinkEnd(there, name, alias=alias))
            await kernel.apply(AddVeth(*ends, 0))
        join = JoinNamespaces(kernel, Underlay(here), Slot[Mechanism]())
        task = asyncio.create_task(collect(join.wires, Vnis(), kernel, ours, clock))
        await asyncio.wait_for(clock.asleep.wait(), 30)
        task.cancel()
        await kernel.settle()
        names = {link.name for link in await kernel.links(here)}
        assert names & aliases.keys() == {"good", "theirs", "plain"}
    finally:
        await kernel.close()
