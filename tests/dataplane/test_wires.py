"""What stands in the kernel: made, moved and mended, and what stood stands where that fails."""

from dataclasses import replace
from ipaddress import ip_address, ip_interface

import pytest

from nsm.api.context import IpContext
from nsm.dataplane import plan
from nsm.dataplane.driver import NameTaken
from nsm.dataplane.fake import FakeKernel, failing_at, healthy, netns
from nsm.dataplane.ledger import Tag
from nsm.dataplane.link import Link
from nsm.dataplane.ops import AddAddress, AddBridge, AddVeth, AddVxlan, LinkEnd, SetLink
from nsm.dataplane.sweep import Found
from nsm.dataplane.wires import Wires, same_device
from nsm.errors import NsmError

from .conftest import connection, vxlan

VETH = AddVeth(LinkEnd(netns(), "a", alias="nsm1 1"), LinkEnd(netns(), "b"), 1500)
TO = ip_address("10.0.0.2")
OTHER = ip_interface("10.9.9.9/32")
TUN = AddVxlan(netns(), LinkEnd(netns(), "a"), 7, ip_address("10.0.0.1"), TO)
CLIENT, ONE, TWO, NODE = netns(), netns(), netns(), netns()


def end(where, name, role, vni=0, of="c") -> plan.End:
    return plan.End(where, name, str(Tag.of(of, role, vni)))


def local(where) -> tuple:
    client, endpoint = end(CLIENT, "nsm-1", "client"), end(where, "vpn", "endpoint")
    return plan.local(connection(), client, endpoint)


def tunnel(role, where, name, vni) -> tuple:
    conn = replace(connection(), mechanism=vxlan(vni=str(vni)))
    return plan.remote(conn, role, end(where, name, role, vni), plan.Underlay(NODE))


def told(kernel) -> dict:
    """What stands where, and leads where, whatever the number of each device."""
    links = {
        place: (link.kind, link.vni, link.peer, tuple(link.addresses))
        for place, link in kernel.links_at.items()
    }
    return {**links, **kernel.routes}


def stood(kernel) -> list[Found]:
    """What an earlier life made of connection c."""
    tag = Tag.of("c", "client")
    links = kernel.links_at.items()
    return [Found(where, Link(name, 1, alias=one.alias), tag) for (where, name), one in links]


@pytest.fixture
def kernel() -> FakeKernel:
    return FakeKernel()


@pytest.fixture
async def refused(kernel) -> Wires:
    """One stands that could not be removed, and still cannot."""
    wires = Wires(kernel)
    await wires.build("c", local(ONE))
    kernel.fault = lambda _at, _op: NsmError("no")
    with pytest.raises(NsmError):
        await wires.remove("c")
    return wires


async def test_what_could_not_be_removed_goes_at_the_next_occasion(kernel, refused) -> None:
    wires = refused
    await wires.finish()
    assert wires.standing, "it still cannot"
    kernel.fault = healthy
    await wires.finish()
    assert (kernel.empty, wires.standing, wires.doomed) == (True, {}, set())


async def test_what_could_not_be_removed_stays_where_it_is_asked_for_again(kernel, refused) -> None:
    wires = refused
    with pytest.raises(NsmError):
        await wires.build("c", local(ONE))
    assert wires.doomed == {"c"}, "nobody has it"
    kernel.fault = healthy
    await wires.build("c", local(ONE))
    await wires.finish()
    assert "c" in wires.standing


@pytest.fixture
def wires(kernel) -> Wires:
    return Wires(kernel)


@pytest.fixture
async def moved(kernel, wires) -> Wires:
    """One stands where it was led, and what is left of where it was could not be removed."""
    await wires.build("c", tunnel("endpoint", ONE, "vpn", 6))
    rest = await wires.replace("c", tunnel("endpoint", TWO, "vpn", 8))
    kernel.fault = lambda _at, _op: NsmError("no")
    with pytest.raises(NsmError):
        await wires.leave("c", rest)
    return wires


async def test_what_is_left_of_where_it_was_goes_at_the_next_occasion(kernel, moved) -> None:
    await moved.finish()
    assert (ONE, "vpn") in kernel.links_at, "it still cannot"
    kernel.fault = healthy
    await moved.finish()
    assert [*kernel.links_at] == [(TWO, "vpn")]


async def test_what_is_left_goes_also_when_it_is_asked_for_or_closed_meanwhile(
    kernel, moved
) -> None:
    with pytest.raises(NsmError):
        await moved.build("c", tunnel("endpoint", TWO, "vpn", 8))
    kernel.fault = healthy
    await moved.build("c", tunnel("endpoint", TWO, "vpn", 8))
    await moved.remove("c")
    await moved.finish()
    assert kernel.empty


async def test_what_is_left_stays_where_it_is_led_back_to(kernel, moved) -> None:
    kernel.fault = healthy
    await kernel.apply(*await moved.replace("c", tunnel("endpoint", ONE, "vpn", 6)))
    await moved.finish()
    assert [*kernel.links_at] == [(ONE, "vpn")]


MOVES = {
    "local to local": (local(ONE), local(TWO)),
    "local to remote": (local(ONE), tunnel("client", CLIENT, "nsm-1", 6)),
    "remote to remote": (
        tunnel("client", CLIENT, "nsm-1", 6),
        tunnel("client", CLIENT, "nsm-1", 8),
    ),
    "between endpoints": (tunnel("endpoint", ONE, "vpn", 6), tunnel("endpoint", TWO, "vpn", 8)),
}
moves = pytest.mark.parametrize(("before", "wanted"), MOVES.values(), ids=MOVES)


@moves
async def test_what_takes_a_place_is_in_the_end_as_if_it_had_been_made_there(
    kernel, wires, before, wanted
) -> None:
    await wires.build("c", before)
    await kernel.apply(*await wires.replace("c", wanted))
    other = FakeKernel()
    await other.apply(*wanted)
    assert told(kernel) == told(other)
    await wires.remove("c")
    assert kernel.empty


@moves
async def test_whatever_fails_in_between_what_stood_stands(kernel, wires, before, wanted) -> None:
    await wires.build("c", before)
    stood = told(kernel)
    steps = plan.beside(before, wanted)
    renaming = len(steps.build) + len(steps.switch) - len(wanted) if steps.switch else 0
    for at in range(1, renaming or len(steps.build) + 1):
        kernel.fault = failing_at(kernel.asked + at)
        with pytest.raises(NsmError, match="told to fail"):
            await wires.replace("c", wanted)
        assert told(kernel) == stood
    await wires.remove("c")
    assert kernel.empty


@moves
async def test_the_old_one_carries_until_the_new_one_has_all_it_needs(before, wanted) -> None:
    steps = plan.beside(before, wanted)
    assert not set(plan.ends(steps.build)) & set(plan.ends(before))
    assert len([op for op in steps.build if isinstance(op, AddAddress)]) == len(
        [op for op in wanted if isinstance(op, AddAddress)]
    )
    names = {name for _, name in plan.ends(steps.build)}
    assert all(len(name.encode()) <= 15 for name in names)


def left(kernel) -> list:
    """What has left its name and still carries."""
    return [link for (_, name), link in kernel.links_at.items() if plan.is_going(name)]


def other_pool(where) -> tuple:
    ip = IpContext(src_ip_addrs=("10.1.1.1/32",), dst_ip_addrs=("10.1.1.0/32",))
    client, endpoint = end(CLIENT, "nsm-1", "client"), end(where, "vpn", "endpoint")
    return plan.local(connection(ip), client, endpoint)


async def test_what_was_replaced_carries_under_its_own_addresses_until_it_is_left(
    kernel, wires
) -> None:
    await wires.build("c", local(ONE))
    stood = kernel.links_at[CLIENT, "nsm-1"]
    addresses = list(stood.addresses)
    rest = await wires.replace("c", other_pool(TWO))
    assert left(kernel) == [stood]
    assert (stood.peer, list(stood.addresses)) == ((ONE, "vpn"), addresses)
    await wires.leave("c", rest)
    assert left(kernel) == []
    await wires.leave("c", rest)
    await wires.remove("c")
    assert kernel.empty


async def test_an_address_that_both_have_is_the_new_ones_alone(kernel, wires) -> None:
    await wires.build("c", local(ONE))
    await wires.replace("c", local(TWO))
    assert [list(link.addresses) for link in left(kernel)] == [[]]
    assert kernel.links_at[CLIENT, "nsm-1"].addresses


async def test_an_address_whose_prefix_takes_in_a_new_one_goes_at_once(kernel, wires) -> None:
    wide, other = (
        IpContext(src_ip_addrs=(f"10.1.1.{n}/24", f"10.9.{n}.1/32"), dst_ip_addrs=(f"10.1.1.{n}0",))
        for n in (1, 2)
    )
    near, far = end(CLIENT, "nsm-1", "client"), end(ONE, "vpn", "endpoint")
    await wires.build("c", plan.local(connection(wide), near, far))
    await wires.replace("c", plan.local(connection(other), near, replace(far, netns=TWO)))
    assert [list(map(str, link.addresses)) for link in left(kernel)] == [["10.9.1.1/32"]]


@pytest.mark.parametrize("back", [ONE, TWO], ids=["there and back", "twice"])
async def test_no_more_than_one_carries_beside_what_stands(kernel, wires, back) -> None:
    await wires.build("c", local(ONE))
    first = await wires.replace("c", local(TWO))
    second = await wires.replace("c", local(back if back == ONE else netns()))
    carrying = kernel.links_at[CLIENT, "nsm-1"]
    await wires.leave("c", first)
    assert [link.peer for link in left(kernel)] == [(TWO, "vpn")], "it has its own time"
    assert kernel.links_at[CLIENT, "nsm-1"] is carrying
    await wires.leave("c", second)
    assert left(kernel) == []


async def test_what_was_replaced_goes_with_what_stands(kernel, wires) -> None:
    await wires.build("c", local(ONE))
    await wires.replace("c", local(TWO))
    await wires.remove("c")
    assert kernel.empty


async def test_what_an_earlier_life_made_is_mended_in_place(kernel) -> None:
    await kernel.apply(*local(ONE))
    before = told(kernel)
    link = kernel.links_at[CLIENT, "nsm-1"]
    stranger = next(iter(kernel.links_at[ONE, "vpn"].addresses))
    link.addresses = {stranger: None}
    link.mtu = 1300
    kernel.routes.clear()
    wires = Wires(kernel)
    wires.found.add(stood(kernel))
    await wires.build("c", local(ONE))
    assert told(kernel) == before
    assert kernel.links_at[CLIENT, "nsm-1"] is link
    assert link.mtu == 1500


def another(where) -> tuple:
    """A vWire of another connection, with the very interface that c has."""
    client, endpoint = end(CLIENT, "nsm-1", "client", of="d"), end(where, "vpn", "endpoint", of="d")
    return plan.local(connection(), client, endpoint)


@pytest.fixture
async def heir(kernel) -> Wires:
    """Those of a forwarder that found c standing, to endpoint ONE."""
    await kernel.apply(*local(ONE))
    wires = Wires(kernel)
    wires.found.add(stood(kernel))
    return wires


async def test_what_nobody_has_asked_for_again_makes_room_in_the_end(kernel, heir) -> None:
    with pytest.raises(NameTaken):
        await heir.build("d", another(TWO))
    assert (ONE, "vpn") in kernel.links_at
    heir.found.yields = True
    await heir.build("d", another(TWO))
    assert (ONE, "vpn") not in kernel.links_at
    with pytest.raises(NameTaken):
        await heir.build("c", local(ONE))
    await heir.remove("d")
    assert kernel.empty


async def test_what_somebody_has_asked_for_again_makes_room_for_nobody(kernel, heir) -> None:
    await heir.build("c", local(ONE))
    heir.found.yields = True
    with pytest.raises(NameTaken):
        await heir.build("d", another(TWO))
    assert (ONE, "vpn") in kernel.links_at


async def test_only_what_was_found_is_looked_at_before_it_is_built() -> None:
    class Looked(FakeKernel):
        async def look(self, netns, name):
            raise AssertionError("each look is time that a new vWire takes longer")

    await Wires(Looked()).build("c", local(ONE))


async def test_an_interface_of_the_workloads_own_is_left_as_it_is(kernel, wires) -> None:
    await wires.build("c", local(ONE))
    kernel.links_at.clear()
    theirs = LinkEnd(CLIENT, "nsm-1", alias="mine")
    await kernel.apply(AddBridge(theirs), SetLink(CLIENT, "nsm-1", alias="mine"))
    kernel.links_at[CLIENT, "nsm-1"].addresses[OTHER] = None
    with pytest.raises(NsmError, match="another interface"):
        await wires.build("c", local(ONE))
    assert list(kernel.links_at[CLIENT, "nsm-1"].addresses) == [OTHER]


def test_what_can_change_on_a_standing_device_needs_no_other_one() -> None:
    assert same_device((VETH,), (replace(VETH, mtu=1400, a=replace(VETH.a, alias="nsm1 2")),))
    assert same_device((TUN,), (replace(TUN, mtu=1400),))


@pytest.mark.parametrize(
    "other",
    [
        replace(VETH, b=replace(VETH.b, name="c")),
        replace(VETH, b=replace(VETH.b, netns=netns())),
        replace(TUN, vni=8),
        replace(TUN, remote=ip_address("10.0.0.3")),
        replace(TUN, port=4790),
        AddBridge(VETH.a),
    ],
)
def test_another_peer_needs_another_device(other: AddVeth | AddVxlan | AddBridge) -> None:
    assert not same_device((VETH,), (other,))
    assert not same_device((TUN,), (other,))
    assert not same_device((), (other,))
