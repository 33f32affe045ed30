"""What is collected of a forwarder's earlier life, and what of it goes on."""

import asyncio

import pytest

from nsm.components.forwarder.collecting import EVERY, adopt, collect
from nsm.dataplane.fake import FakeKernel, netns
from nsm.dataplane.ledger import NodeKey, Tag
from nsm.dataplane.netns import Netns
from nsm.dataplane.ops import AddVeth, LinkEnd
from nsm.dataplane.plan import ENDPOINT
from nsm.dataplane.vnis import Vnis
from nsm.dataplane.wires import Wires
from nsm.sdk.clock import LoopClock

pytestmark = pytest.mark.looptime

OLD, NEW, CLIENT = netns(), netns(), netns()
KEY, CLOCK = NodeKey(b"k" * 32), LoopClock()


async def spaces() -> tuple[Netns, ...]:
    return (OLD, NEW, CLIENT)


def wire(space: Netns, lasts: float) -> AddVeth:
    alias = KEY.alias(Tag.of("web-0", ENDPOINT, 7, CLOCK.now() + lasts))
    return AddVeth(LinkEnd(space, "nsm-0", alias=alias), LinkEnd(CLIENT, f"to-{space.key.ino}"), 0)


@pytest.mark.parametrize("asked", [True, False], ids=["asked for again", "not asked for"])
async def test_a_vni_goes_with_what_expired_unless_its_connection_lives_on_elsewhere(
    asked: bool,
) -> None:
    kernel, vnis = FakeKernel(), Vnis()
    wires = Wires(kernel)
    await kernel.apply(wire(OLD, lasts=30))
    await adopt(wires, vnis, kernel, KEY, spaces)
    if asked:
        await wires.build("web-0", (wire(NEW, lasts=600),))
    task = asyncio.create_task(collect(wires, vnis, kernel, KEY, CLOCK, spaces))
    await CLOCK.sleep(EVERY + 1)
    task.cancel()
    assert (OLD, "nsm-0") not in kernel.links_at
    assert ((NEW, "nsm-0") in kernel.links_at) == asked
    assert len(vnis) == asked
