"""The real kernel keeps a driver's promises, and agrees with the fake one."""

import asyncio
import os
import socket
from dataclasses import replace
from ipaddress import ip_address, ip_interface

import pytest

from nsm.api.connection import ETHERNET, IP, Connection
from nsm.api.context import ConnectionContext, IpContext, PolicyRoute, Route
from nsm.api.mechanism import REMOTE, VXLAN, Mechanism
from nsm.dataplane import named, plan
from nsm.dataplane.driver import NameTaken, VniTaken
from nsm.dataplane.fake import FakeKernel
from nsm.dataplane.ledger import NodeKey, Tag
from nsm.dataplane.ops import AddAddress, AddNeighbor, AddRoute, DelLink, LinkEnd
from nsm.errors import Invalid, NotFound, NsmError

from .conftest import pings, tell

pytestmark = pytest.mark.linux

KEY = NodeKey(b"k" * 32)
DUAL = IpContext(
    src_ip_addrs=("172.16.1.1/32", "2001:db8::1/128"),
    dst_ip_addrs=("172.16.1.0/32", "2001:db8::/128"),
    src_routes=(Route("172.16.1.0/32"), Route("10.0.0.0/8")),
    dst_routes=(Route("172.16.1.1/32"),),
)
SIX = IpContext(("2001:db8::1/128",), ("2001:db8::/128",), src_routes=(Route("::/0"),))
LONG = "nsm-15-bytes-xy"


def conn(ip=DUAL, id="c-1", mtu=0, **more) -> Connection:
    context = ConnectionContext(ip_context=ip, mtu=mtu)
    return Connection(**{"id": id, "payload": IP, "context": context, **more})


def end(netns, name, role, id="c-1") -> plan.End:
    return plan.End(netns, name, KEY.alias(Tag.of(id, role)))


@pytest.fixture
def ends(spaces):
    return end(spaces(), "nsm-1", plan.CLIENT), end(spaces(), LONG, plan.ENDPOINT)


async def names(kernel, netns):
    return {link.name for link in await kernel.links(netns)}


@pytest.mark.parametrize("payload", [IP, ETHERNET])
async def test_a_local_vwire_carries_both_families_at_once(kernel, ends, payload) -> None:
    await kernel.apply(*plan.local(conn(payload=payload), *ends))
    client, endpoint = (e.netns for e in ends)
    assert await pings(client, "172.16.1.0")
    assert await pings(client, "2001:db8::")
    assert await pings(endpoint, "172.16.1.1")
    assert await pings(endpoint, "2001:db8::1")


async def test_ipv6_alone_is_enough(kernel, ends) -> None:
    await kernel.apply(*plan.local(conn(SIX), *ends))
    assert await pings(ends[0].netns, "2001:db8::")
    assert "default via 2001:db8::" in (await tell(ends[0].netns, "ip", "-6", "route")).out


async def test_the_first_packet_passes(kernel, ends) -> None:
    client, endpoint = (e.netns for e in ends)

    def bound() -> socket.socket:
        wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        wire.bind(("0.0.0.0", 9))
        wire.settimeout(0.5)
        return wire

    with await named.inside(client, bound) as here, await named.inside(endpoint, bound) as there:
        for _ in range(10):
            ops = plan.local(conn(), *ends)
            await kernel.apply(*ops)
            here.sendto(b"first", ("172.16.1.0", 9))
            assert await asyncio.to_thread(there.recv, 10) == b"first"
            await kernel.apply(*plan.undo(ops))


async def test_full_size_passes_and_one_byte_more_does_not(kernel, ends) -> None:
    await kernel.apply(*plan.local(conn(mtu=1400), *ends))
    client = ends[0].netns
    assert await pings(client, "172.16.1.0", size=1400 - 28)
    assert not await pings(client, "172.16.1.0", size=1400 - 27)
    assert await pings(client, "2001:db8::", size=1400 - 48)
    assert not await pings(client, "2001:db8::", size=1400 - 47)


async def test_both_kernels_tell_the_same(kernel, ends) -> None:
    ops, fake = plan.local(conn(mtu=1400), *ends), FakeKernel()
    for driver in (kernel, fake):
        await driver.apply(*ops)
    for where in ends:
        real, made_up = [await d.look(where.netns, where.name) for d in (kernel, fake)]
        assert replace(real, index=0, group=0, peer=0) == replace(made_up, index=0)
    real_names = await names(kernel, ends[0].netns)
    assert real_names - {"lo"} == await names(fake, ends[0].netns)


async def test_doing_it_twice_is_no_error_and_changes_nothing(kernel, ends) -> None:
    ops = plan.local(conn(replace(DUAL, policies=(PolicyRoute(proto="6"),))), *ends)
    await kernel.apply(*ops)
    client = ends[0].netns
    before = [(await tell(client, "ip", *what)).out for what in (["addr"], ["route"], ["rule"])]
    await kernel.apply(*ops)
    after = [(await tell(client, "ip", *what)).out for what in (["addr"], ["route"], ["rule"])]
    assert after == before


async def test_undo_leaves_nothing(kernel, ends) -> None:
    ops = plan.local(conn(replace(DUAL, policies=(PolicyRoute(proto="6"),))), *ends)
    untouched = [(await tell(ends[0].netns, "ip", "rule")).out]
    await kernel.apply(*ops)
    await kernel.apply(*plan.undo(ops))
    for where in ends:
        assert (await tell(where.netns, "ip", "-4", "route")).out == ""
        assert where.name not in await names(kernel, where.netns)
    await kernel.settle()
    for where in ends:
        assert await names(kernel, where.netns) == {"lo"}
    assert [(await tell(ends[0].netns, "ip", "rule")).out] == untouched
    await kernel.apply(*plan.undo(ops))


async def test_a_name_is_free_at_once(kernel, ends) -> None:
    for _ in range(5):
        ops = plan.local(conn(), *ends)
        await kernel.apply(*ops)
        assert await pings(ends[0].netns, "172.16.1.0")
        await kernel.apply(*plan.undo(ops))
    await kernel.settle()
    assert await names(kernel, ends[1].netns) == {"lo"}


async def test_a_failure_half_way_leaves_nothing(kernel, ends) -> None:
    ops = plan.local(conn(), *ends)
    stray = AddAddress(ends[1].netns, "not-there", ip_interface("10.0.0.1/32"))
    with pytest.raises(NotFound, match="not-there"):
        await kernel.apply(*ops, stray)
    await kernel.settle()
    for where in ends:
        assert await names(kernel, where.netns) == {"lo"}


async def test_a_failed_refresh_leaves_what_stood(kernel, ends) -> None:
    ops = plan.local(conn(), *ends)
    await kernel.apply(*ops)
    where = (ends[0].netns, ends[0].name)
    bad = AddNeighbor(*where, ip_address("172.16.1.0"), "01:00:00:00:00:00")
    with pytest.raises(Invalid, match="hardware address"):
        await kernel.apply(*ops, AddAddress(*where, ip_interface("10.9.9.9/32")), bad)
    seen = await kernel.look(*where)
    assert {str(a) for a in seen.addresses} == set(DUAL.src_ip_addrs)
    assert await pings(ends[0].netns, "172.16.1.0")


async def test_cancelled_work_is_taken_back(kernel, ends) -> None:
    for wait in (0, 1, 2, 3):
        work = asyncio.get_running_loop().create_task(kernel.apply(*plan.local(conn(), *ends)))
        for _ in range(wait):
            await asyncio.sleep(0)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        await kernel.settle()
        assert await names(kernel, ends[0].netns) == {"lo"}


async def test_a_refresh_follows_the_context(kernel, ends) -> None:
    before = plan.local(conn(), *ends)
    await kernel.apply(*before)
    moved = replace(DUAL, src_ip_addrs=("172.16.1.3/32",), dst_routes=(Route("172.16.1.3/32"),))
    wanted = plan.local(conn(moved, mtu=1300), *ends)
    index = (await kernel.look(ends[0].netns, "nsm-1")).index
    seen = {place: await kernel.look(*place) for place in plan.ends(wanted)}
    await kernel.apply(*plan.refresh(wanted, seen, before))
    after = await kernel.look(ends[0].netns, "nsm-1")
    assert [str(a) for a in after.addresses] == ["172.16.1.3/32"]
    assert (after.mtu, after.index) == (1300, index)
    assert await pings(ends[0].netns, "172.16.1.0")
    assert await pings(ends[1].netns, "172.16.1.3")


async def test_a_refresh_makes_what_has_gone(kernel, ends) -> None:
    ops = plan.local(conn(), *ends)
    await kernel.apply(*ops)
    await tell(ends[0].netns, "ip", "link", "del", "nsm-1")
    seen = {place: await kernel.look(*place) for place in plan.ends(ops)}
    await kernel.apply(*plan.refresh(ops, seen, ops))
    assert await pings(ends[0].netns, "172.16.1.0")


async def test_anothers_interface_is_neither_taken_nor_removed(kernel, ends, spaces) -> None:
    ops = plan.local(conn(), *ends)
    await kernel.apply(*ops)
    mine = end(ends[0].netns, "nsm-1", plan.CLIENT, "c-2")
    theirs = end(spaces(), "nsm-1", plan.ENDPOINT, "c-2")
    with pytest.raises(NameTaken, match="nsm-1"):
        await kernel.apply(*plan.local(conn(id="c-2"), mine, theirs))
    await kernel.apply(DelLink(LinkEnd(mine.netns, "nsm-1", alias=mine.alias)))
    assert await pings(ends[0].netns, "172.16.1.0")


async def test_what_a_crash_left_half_made_is_made_anew(kernel, ends) -> None:
    await kernel.apply(*plan.local(conn(), *ends))
    for where in ends:
        await tell(where.netns, "ip", "link", "set", where.name, "alias", "")
    await kernel.apply(*plan.local(conn(), *ends))
    assert (await kernel.look(ends[1].netns, LONG)).alias == ends[1].alias
    assert await pings(ends[0].netns, "172.16.1.0")


async def test_an_interface_without_a_tag_is_nobodys_to_take(kernel, ends) -> None:
    nameless = [replace(e, alias="") for e in ends]
    for _ in range(2):
        await kernel.apply(*plan.local(conn(), *nameless))
    with pytest.raises(NameTaken):
        await kernel.apply(*plan.local(conn(), *ends))
    assert await pings(ends[0].netns, "172.16.1.0")


async def test_addresses_come_though_a_runtime_switched_ipv6_off(kernel, ends) -> None:
    await named.set_kernel(ends[0].netns, ipv6__conf__default__disable_ipv6="1")
    await kernel.apply(*plan.local(conn(), *ends))
    assert await pings(ends[0].netns, "2001:db8::")


async def test_another_name_for_an_end_keeps_the_device(kernel, ends) -> None:
    """As when an endpoint's forwarder was restarted, and chooses names anew."""
    fake, renamed = FakeKernel(), replace(ends[1], name="other")
    for driver in (kernel, fake):
        await driver.apply(*plan.local(conn(), *ends))
        before = await driver.look(ends[1].netns, LONG)
        await driver.apply(*plan.local(conn(), ends[0], renamed))
        after = await driver.look(ends[1].netns, "other")
        assert (after.index, after.addresses) == (before.index, before.addresses)
        assert await driver.look(ends[1].netns, LONG) is None
    assert await pings(ends[0].netns, "172.16.1.0")


async def test_another_endpoint_for_a_connection_replaces_the_device(kernel, ends, spaces) -> None:
    """As when a connection heals after its forwarder was restarted."""
    fake, other = FakeKernel(), replace(ends[1], netns=spaces())
    for driver in (kernel, fake):
        await driver.apply(*plan.local(conn(), *ends))
        await driver.apply(*plan.local(conn(), ends[0], other))
        assert await driver.look(ends[1].netns, LONG) is None
        assert await driver.look(other.netns, LONG)
    assert await pings(ends[0].netns, "172.16.1.0")
    await kernel.settle()
    assert await names(kernel, ends[1].netns) == {"lo"}


async def test_policy_rules_send_what_matches_elsewhere(kernel, ends) -> None:
    policy = PolicyRoute("172.16.1.1/32", "6", "80-90", routes=(Route("192.0.2.0/24"),))
    await kernel.apply(*plan.local(conn(replace(DUAL, policies=(policy,))), *ends))
    rules = (await tell(ends[0].netns, "ip", "rule")).out
    assert "from 172.16.1.1 ipproto tcp dport 80-90 lookup" in rules
    get = ("ip", "route", "get", "192.0.2.1", "from", "172.16.1.1", "ipproto", "tcp")
    assert "nsm-1" in (await tell(ends[0].netns, *get, "dport", "85")).out
    assert "unreachable" in (await tell(ends[0].netns, *get, "dport", "443")).out


async def test_a_hundred_at_once_all_come_and_go(kernel, spaces) -> None:
    endpoint, clients = spaces(), [spaces() for _ in range(10)]
    plans = []
    for i in range(100):
        ip = IpContext((f"10.0.{i}.1/32",), (f"10.0.{i}.0/32",))
        a = end(clients[i % 10], f"nsm-{i}", plan.CLIENT, f"c-{i}")
        b = end(endpoint, f"nsm-{i}", plan.ENDPOINT, f"c-{i}")
        plans.append(plan.local(conn(ip, id=f"c-{i}"), a, b))
    await asyncio.gather(*(kernel.apply(*ops) for ops in plans))
    assert len(await kernel.links(endpoint)) == 101
    assert await pings(clients[7], "10.0.97.0")
    await asyncio.gather(*(kernel.apply(*plan.undo(ops)) for ops in plans))
    await kernel.settle()
    for netns in (endpoint, *clients):
        assert await names(kernel, netns) == {"lo"}


async def test_idle_namespaces_are_let_go(kernel, spaces) -> None:
    await kernel.apply(AddRoute(netns := spaces(), "lo", ip_interface("10.0.0.0/8").network))
    assert len(kernel._sockets) == 1
    assert kernel._sockets.expire()
    assert not kernel._sockets.expire()
    assert await names(kernel, netns) == {"lo"}


async def test_a_namespace_let_go_half_way_is_an_error_not_an_accident(kernel, ends) -> None:
    ops = plan.local(conn(), *ends)
    ends[1].netns.close()
    with pytest.raises(NsmError):
        await kernel.apply(*ops)
    assert await names(kernel, ends[0].netns) == {"lo"}


async def test_a_namespace_whose_name_is_gone_still_serves_those_who_hold_it(
    kernel, ends, tmp_path
) -> None:
    workload = await named.create(tmp_path / "web")
    ops = plan.local(conn(), replace(ends[0], netns=workload), ends[1])
    await kernel.apply(*ops)
    await named.remove(tmp_path / "web")
    assert await pings(workload, "172.16.1.0")
    await kernel.apply(*plan.undo(ops))
    await kernel.settle()
    assert await names(kernel, ends[1].netns) == {"lo"}


async def test_a_file_that_is_no_namespace_is_refused_before_the_kernel_is(tmp_path) -> None:
    from nsm.dataplane.netns import Netns

    fd = os.open(tmp_path, os.O_PATH)
    try:
        with pytest.raises(Invalid):
            Netns.take(fd)
    finally:
        os.close(fd)


# -- across nodes


def tunnel(six: bool, vni: int = 7) -> Mechanism:
    ip = "fd00::{}" if six else "100.64.0.{}"
    parameters = {"src_ip": ip.format(1), "dst_ip": ip.format(2), "vni": str(vni)}
    return Mechanism(REMOTE, VXLAN, parameters)


@pytest.fixture
async def nodes(kernel, spaces):
    """Two nodes on a bridge, with both families."""
    bridge, nodes = spaces(), [spaces(), spaces()]
    await named.bridge(kernel, LinkEnd(bridge, "br0"))
    for number, node in enumerate(nodes, 1):
        given = [ip_interface(f"100.64.0.{number}/24"), ip_interface(f"fd00::{number}/64")]
        port = LinkEnd(bridge, f"p{number}")
        await named.plug(kernel, LinkEnd(node, "eth0"), port, "br0", given)
    return nodes


def halves(ends, nodes, mechanism, mtu=0, ip=DUAL):
    request = conn(ip, mechanism=mechanism, mtu=mtu)
    roles = (plan.CLIENT, plan.ENDPOINT)
    return [
        plan.remote(request, role, where, plan.Underlay(node))
        for role, where, node in zip(roles, ends, nodes, strict=True)
    ]


@pytest.mark.parametrize(("six", "mtu"), [(False, 1450), (True, 1430)])
async def test_a_remote_vwire_carries_full_size_and_not_a_byte_more(
    kernel, ends, nodes, six, mtu
) -> None:
    for ops in halves(ends, nodes, tunnel(six)):
        await kernel.apply(*ops)
    client = ends[0].netns
    assert await pings(client, "172.16.1.0", size=mtu - 28)
    assert not await pings(client, "172.16.1.0", size=mtu - 27)
    assert await pings(client, "2001:db8::", size=mtu - 48)
    assert not await pings(client, "2001:db8::", size=mtu - 47)
    assert (await kernel.look(client, "nsm-1")).mtu == mtu


async def test_the_socket_is_the_nodes_and_the_interface_the_workloads(kernel, ends, nodes) -> None:
    await kernel.apply(*halves(ends, nodes, tunnel(False))[0])
    listening = ("ss", "-lun", "sport", "=", "4789")
    assert "4789" in (await tell(nodes[0], *listening)).out
    assert "4789" not in (await tell(ends[0].netns, *listening)).out
    assert await names(kernel, nodes[0]) == {"lo", "eth0"}


async def test_a_vni_of_this_node_is_not_used_twice(kernel, ends, nodes, spaces) -> None:
    first, _ = halves(ends, nodes, tunnel(False))
    await kernel.apply(*first)
    other = end(spaces(), "nsm-1", plan.CLIENT, "c-2")
    again = plan.remote(
        conn(id="c-2", mechanism=tunnel(False)), plan.CLIENT, other, plan.Underlay(nodes[0])
    )
    with pytest.raises(VniTaken, match="VNI"):
        await kernel.apply(*again)
    assert await names(kernel, other.netns) == {"lo"}
    await kernel.apply(*first)
    await kernel.apply(*plan.undo(first))
    await kernel.apply(*again)


async def test_a_tunnel_under_another_name_or_vni_is_the_connections_only_one(
    kernel, ends, nodes
) -> None:
    first, _ = halves(ends, nodes, tunnel(False))
    await kernel.apply(*first)
    index = (await kernel.look(ends[0].netns, "nsm-1")).index
    again, _ = halves([replace(ends[0], name="other"), ends[1]], nodes, tunnel(False))
    await kernel.apply(*again)
    assert (await kernel.look(ends[0].netns, "other")).index == index
    tagged = KEY.alias(Tag.of("c-1", plan.CLIENT, vni=8))
    moved, _ = halves([replace(ends[0], alias=tagged), ends[1]], nodes, tunnel(False, vni=8))
    await kernel.apply(*plan.undo(again), *moved)
    await kernel.settle()
    assert await names(kernel, ends[0].netns) == {"lo", "nsm-1"}
    anew = KEY.alias(Tag.of("c-1", plan.CLIENT, vni=9))
    moved, _ = halves([replace(ends[0], alias=anew), ends[1]], nodes, tunnel(False, vni=9))
    await kernel.apply(*moved)
    await kernel.settle()
    assert await names(kernel, ends[0].netns) == {"lo", "nsm-1"}
    assert (await kernel.look(ends[0].netns, "nsm-1")).alias == anew


async def test_a_remote_vwire_leaves_nothing(kernel, ends, nodes) -> None:
    both = halves(ends, nodes, tunnel(False))
    for ops in both:
        await kernel.apply(*ops)
    for ops in both:
        await kernel.apply(*plan.undo(ops))
    await kernel.settle()
    for where, node in zip(ends, nodes, strict=True):
        assert await names(kernel, where.netns) == {"lo"}
        assert await names(kernel, node) == {"lo", "eth0"}
