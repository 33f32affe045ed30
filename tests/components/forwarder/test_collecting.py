"""What is collected of a forwarder's earlier life, and what of it goes on."""

import asyncio

import pytest

from nsm.components.forwarder.collecting import AWAITED, EVERY, adopt, collect, give_way
from nsm.dataplane.fake import FakeKernel, healthy, netns
from nsm.dataplane.ledger import NodeKey, Tag
from nsm.dataplane.netns import Netns
from nsm.dataplane.ops import AddVeth, DelLink, LinkEnd, TakeName
from nsm.dataplane.plan import ENDPOINT
from nsm.dataplane.vnis import Vnis
from nsm.dataplane.wires import Wires
from nsm.errors import NsmError
from nsm.sdk.clock import LoopClock

pytestmark = pytest.mark.looptime

OLD, NEW, CLIENT = netns(), netns(), netns()
KEY, THEIRS, CLOCK = NodeKey(b"k" * 32), NodeKey(b"t" * 32), LoopClock()


async def spaces() -> tuple[Netns, ...]:
    return (OLD, NEW, CLIENT)


def wire(space: Netns, lasts: float) -> AddVeth:
    alias = KEY.alias(Tag.of("web-0", ENDPOINT, 7, CLOCK.now() + lasts))
    return AddVeth(LinkEnd(space, "nsm-0", alias=alias), LinkEnd(CLIENT, f"to-{space.key.ino}"), 0)


@pytest.mark.parametrize("since", ["asked for", "asked for in vain", "not asked for", "gone"])
async def test_a_vni_goes_with_what_expired_unless_its_connection_lives_on_elsewhere(
    since: str,
) -> None:
    kernel, vnis = FakeKernel(), Vnis()
    wires, old = Wires(kernel), wire(OLD, lasts=30)
    await kernel.apply(old)
    await adopt(wires, vnis, kernel, KEY, spaces)
    if since == "asked for":
        await wires.build("web-0", (wire(NEW, lasts=600),))
    if since == "asked for in vain":
        kernel.fault = lambda _at, _op: NsmError("no")
        with pytest.raises(NsmError):
            await wires.build("web-0", (wire(NEW, lasts=600),))
        kernel.fault = healthy
    if since == "gone":
        await kernel.apply(DelLink(old.a))
    assert len(vnis) == 1
    task = asyncio.create_task(collect(wires, vnis, kernel, KEY, CLOCK, spaces))
    await CLOCK.sleep(EVERY + 1)
    task.cancel()
    assert (OLD, "nsm-0") not in kernel.links_at
    assert ((NEW, "nsm-0") in kernel.links_at) == (since == "asked for")
    assert len(vnis) == (since == "asked for")
    assert not wires.found


def pair(key: NodeKey, name: str, there: Netns) -> AddVeth:
    near, far = (key.alias(Tag.of("web-0", role, 0, 99)) for role in ("client", ENDPOINT))
    return AddVeth(LinkEnd(CLIENT, name, alias=near), LinkEnd(there, f"to-{name}", alias=far))


@pytest.mark.parametrize("key", [KEY, THEIRS], ids=["ours", "theirs"])
async def test_what_had_been_replaced_goes_at_once_if_it_is_ours(key: NodeKey) -> None:
    kernel, wires = FakeKernel(), Wires(FakeKernel())
    new = pair(key, "+1", NEW)
    await kernel.apply(pair(key, "nsm-1", OLD), new, TakeName(new.a, "nsm-1", "-1"))
    await adopt(wires, Vnis(), kernel, KEY, spaces)
    assert ((CLIENT, "-1") in kernel.links_at) == (key is THEIRS)
    assert kernel.links_at[CLIENT, "nsm-1"].peer == (NEW, "to-+1")
    assert ("web-0" in wires.found) == (key is KEY)


async def test_what_nobody_asks_for_again_gives_way_after_a_while() -> None:
    wires = Wires(FakeKernel())
    task = asyncio.create_task(give_way(wires, CLOCK))
    await CLOCK.sleep(AWAITED - 1)
    assert not wires.found.yields
    await CLOCK.sleep(2)
    assert wires.found.yields
    assert task.done()
