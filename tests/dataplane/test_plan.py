"""What a plan says, before any kernel hears it."""

from dataclasses import replace
from ipaddress import ip_address, ip_interface, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsm.api.connection import ETHERNET
from nsm.api.context import IpContext, IpNeighbor, Route
from nsm.dataplane import plan
from nsm.dataplane.fake import netns
from nsm.dataplane.link import Link
from nsm.dataplane.ops import (
    AddAddress,
    AddNeighbor,
    AddRoute,
    AddVeth,
    AddVxlan,
    DelAddress,
    DelLink,
    DelNeighbor,
    DelRoute,
    SetLink,
)
from nsm.errors import Invalid, Unsupported

from .conftest import DUAL, connection, vxlan


def routes(ops, netns):
    return [(str(o.prefix), str(o.gateway or "")) for o in of(ops, AddRoute) if o.netns == netns]


def of(ops, kind):
    return [op for op in ops if isinstance(op, kind)]


def test_a_local_vwire_is_one_pair_in_place(client, endpoint) -> None:
    ops = plan.local(connection(mtu=1400), client, endpoint)
    assert isinstance(ops[0], AddVeth)
    assert [(e.netns, e.name, e.alias) for e in (ops[0].a, ops[0].b)] == [
        (client.netns, "nsm-1", client.alias),
        (endpoint.netns, "nsm-a", endpoint.alias),
    ]
    assert ops[0].mtu == 1400
    assert len(of(ops, AddVeth)) == 1


def test_each_end_gets_its_own_addresses(client, endpoint) -> None:
    given = {
        (op.netns, str(op.address))
        for op in of(plan.local(connection(), client, endpoint), AddAddress)
    }
    assert given == {
        (client.netns, "172.16.1.1/32"),
        (client.netns, "2001:db8::1/128"),
        (endpoint.netns, "172.16.1.0/32"),
        (endpoint.netns, "2001:db8::/128"),
    }


def test_the_opposite_is_on_the_link_and_the_rest_behind_it(client, endpoint) -> None:
    ops = plan.local(connection(), client, endpoint)
    assert routes(ops, client.netns) == [
        ("172.16.1.0/32", ""),
        ("2001:db8::/128", ""),
        ("10.0.0.0/8", "172.16.1.0"),
        ("::/0", "2001:db8::"),
    ]
    assert routes(ops, endpoint.netns) == [("172.16.1.1/32", ""), ("2001:db8::1/128", "")]


def test_an_opposite_address_inside_a_local_prefix_needs_no_route(client, endpoint) -> None:
    ip = IpContext(src_ip_addrs=("10.1.0.2/24",), dst_ip_addrs=("10.1.0.1/24",))
    assert of(plan.local(connection(ip), client, endpoint), AddRoute) == []


def test_a_next_hop_that_is_written_is_taken(client, endpoint) -> None:
    ip = replace(DUAL, src_routes=(Route("10.0.0.0/8", "172.16.1.77"),))
    ops = plan.local(connection(ip), client, endpoint)
    assert ("10.0.0.0/8", "172.16.1.77") in routes(ops, client.netns)


def test_a_route_of_a_family_without_addresses_goes_straight_into_the_link(
    client, endpoint
) -> None:
    ip = IpContext(("172.16.1.1/32",), ("172.16.1.0/32",), src_routes=(Route("2001:db8:9::/48"),))
    ops = plan.local(connection(ip), client, endpoint)
    assert ("2001:db8:9::/48", "") in routes(ops, client.netns)


def test_payload_ip_knows_the_other_end_for_good(client, endpoint) -> None:
    ops = plan.local(connection(), client, endpoint)
    known = {(op.netns, str(op.ip), op.mac, op.permanent) for op in of(ops, AddNeighbor)}
    assert (client.netns, "172.16.1.0", ops[0].b.mac, True) in known
    assert (endpoint.netns, "2001:db8::1", ops[0].a.mac, True) in known
    assert len(known) == 4


@pytest.mark.parametrize(("payload", "know"), [(ETHERNET, True), ("IP", False)])
def test_otherwise_the_ends_ask_each_other(client, endpoint, payload, know) -> None:
    ops = plan.local(connection(payload=payload), client, endpoint, know_neighbors=know)
    assert of(ops, AddNeighbor) == []


def test_neighbours_of_the_context_are_not_for_good(client, endpoint) -> None:
    ip = replace(DUAL, ip_neighbors=(IpNeighbor("172.16.1.9", "02:00:00:00:00:09"),))
    ops = plan.local(connection(ip, payload=ETHERNET), client, endpoint)
    assert {(str(op.ip), op.permanent) for op in of(ops, AddNeighbor)} == {("172.16.1.9", False)}


def test_hardware_addresses_are_the_same_whenever_worked_out() -> None:
    mac = plan.hardware_address("c-1", plan.CLIENT)
    assert mac == plan.hardware_address("c-1", plan.CLIENT)
    assert mac != plan.hardware_address("c-1", plan.ENDPOINT)
    assert mac.startswith("02:")


@pytest.mark.parametrize(
    ("role", "local", "remote"),
    [(plan.CLIENT, "100.64.0.1", "100.64.0.2"), (plan.ENDPOINT, "100.64.0.2", "100.64.0.1")],
)
def test_a_tunnel_has_its_socket_in_the_node_and_its_interface_in_the_workload(
    client, role, local, remote
) -> None:
    node = netns()
    made = plan.remote(connection(mechanism=vxlan()), role, client, plan.Underlay(node))[0]
    assert isinstance(made, AddVxlan)
    assert (made.node, made.end.netns, made.vni, made.port) == (node, client.netns, 42, 4789)
    assert (made.local, made.remote) == (ip_address(local), ip_address(remote))


@pytest.mark.parametrize(
    ("mechanism", "wanted", "mtu"),
    [
        (vxlan(), 0, 1450),
        (vxlan(), 9000, 1450),
        (vxlan(), 1300, 1300),
        (vxlan(src_ip="fd00::1", dst_ip="fd00::2"), 0, 1430),
    ],
)
def test_a_tunnels_mtu_is_what_the_underlay_leaves_or_less(client, mechanism, wanted, mtu) -> None:
    conn = connection(mechanism=mechanism, mtu=wanted)
    assert plan.remote(conn, plan.CLIENT, client, plan.Underlay(netns(), 1500))[0].mtu == mtu


def test_a_remote_neighbour_is_asked_for(client) -> None:
    conn = connection(mechanism=vxlan())
    ops = plan.remote(conn, plan.CLIENT, client, plan.Underlay(netns()))
    assert of(ops, AddNeighbor) == []


@pytest.mark.parametrize(
    "mechanism",
    [
        vxlan(vni=""),
        vxlan(vni=str(1 << 24)),
        vxlan(vni="-1"),
        vxlan(src_ip="nowhere"),
        vxlan(src_ip="fd00::1"),
        vxlan(dst_port="70000"),
    ],
)
def test_a_mechanism_that_makes_no_sense_is_refused(client, mechanism) -> None:
    with pytest.raises(Invalid):
        plan.remote(connection(mechanism=mechanism), plan.CLIENT, client, plan.Underlay(netns()))


def test_a_mechanism_we_cannot_build_is_refused(client) -> None:
    wireguard = replace(vxlan(), type="WIREGUARD")
    with pytest.raises(Unsupported, match="WIREGUARD"):
        plan.remote(connection(mechanism=wireguard), plan.CLIENT, client, plan.Underlay(netns()))
    ports = vxlan(src_port="4789", dst_port="4790")
    with pytest.raises(Unsupported):
        plan.remote(connection(mechanism=ports), plan.CLIENT, client, plan.Underlay(netns()))


@pytest.mark.parametrize(
    "name", ["", "a" * 16, "é" * 8, "a b", "a/b", ".", "..", "a:b", "a\n", "%d"]
)
def test_a_name_the_kernel_would_refuse_is_refused_here(client, endpoint, name) -> None:
    with pytest.raises(Invalid):
        plan.local(connection(), replace(client, name=name), endpoint)


@pytest.mark.parametrize(
    "ip",
    [
        IpContext(src_ip_addrs=("172.16.1/32",)),
        IpContext(src_ip_addrs=("0.0.0.0/0",)),
        IpContext(src_ip_addrs=("224.0.0.1/32",)),
        IpContext(src_ip_addrs=("127.0.0.1/8",)),
        IpContext(src_routes=(Route("10.0.0.0/33"),)),
        IpContext(src_routes=(Route("10.0.0.0/8", "fd00::1"),)),
        IpContext(dst_routes=(Route("10.0.0.0/8", "x"),)),
        IpContext(src_ip_addrs=tuple(f"10.0.0.{i}/32" for i in range(65))),
    ],
)
def test_an_address_or_route_that_makes_no_sense_is_refused(client, endpoint, ip) -> None:
    with pytest.raises(Invalid):
        plan.local(connection(ip), client, endpoint)


@pytest.mark.parametrize(("mtu", "fine"), [(1279, False), (1280, True), (67, False)])
def test_an_mtu_too_small_for_the_addresses_is_refused(client, endpoint, mtu, fine) -> None:
    if fine:
        assert plan.local(connection(mtu=mtu), client, endpoint)
        return
    with pytest.raises(Invalid, match="MTU"):
        plan.local(connection(mtu=mtu), client, endpoint)


def test_undo_removes_the_device_and_says_no_more_than_it_must(client, endpoint) -> None:
    ops = plan.local(connection(), client, endpoint)
    assert plan.undo(ops) == (DelLink(ops[0].a, ops[0].b),)


def test_refresh_takes_away_addresses_that_nobody_wants(client, endpoint) -> None:
    ops = plan.local(connection(), client, endpoint)
    stranger = ip_interface("172.16.9.9/32")
    there = Link("nsm-1", 7, mtu=1500, mac=ops[0].a.mac, addresses=(stranger, ops[1].address))
    device, *rest = ops
    mine = [op for op in of(ops, AddAddress) if op.netns == client.netns]
    strange = (*mine, DelAddress(client.netns, "nsm-1", stranger))
    for before in (ops, ()):
        again = plan.refresh(ops, {(client.netns, "nsm-1"): there}, before)
        assert again == (device, *strange, *rest)


def test_refresh_shakes_a_link_that_is_found_with_other_addresses_only(client, endpoint) -> None:
    ops = plan.local(connection(), client, endpoint)
    stranger = ip_interface("172.16.9.9/32")
    there = {(client.netns, "nsm-1"): Link("nsm-1", 7, mac=ops[0].a.mac, addresses=(stranger,))}
    found, known = plan.refresh(ops, there), plan.refresh(ops, there, ops)
    assert [op.up for op in of(found, SetLink) if op.up is not None] == [False, True]
    assert not [op for op in of(known, SetLink) if op.up is not None]
    assert found.index(DelAddress(client.netns, "nsm-1", stranger)) < found.index(
        SetLink(client.netns, "nsm-1", up=False)
    )


def test_refresh_forgets_neighbours_of_the_plan_before(client, endpoint) -> None:
    before = plan.local(connection(), client, endpoint)
    wanted = plan.local(connection(payload=ETHERNET), client, endpoint)
    again = plan.refresh(wanted, {}, before)
    assert len(of(again, DelNeighbor)) == 4
    assert (again[0], *again[5:]) == wanted


@pytest.mark.parametrize("wrong", [{"mtu": 1400}, {"mac": "02:00:00:00:00:01"}])
def test_refresh_mends_what_somebody_changed_of_a_device(client, endpoint, wrong) -> None:
    ops = plan.local(connection(), client, endpoint)
    right = Link("nsm-1", 7, mtu=1500, mac=ops[0].a.mac)
    place = (client.netns, "nsm-1")
    mended = of(plan.refresh(ops, {place: replace(right, **wrong)}), SetLink)
    assert mended == [SetLink(*place, mtu=1500, mac=ops[0].a.mac)]
    assert not of(plan.refresh(ops, {place: right}), SetLink)


def test_refresh_asks_first_whether_a_device_is_ours(client, endpoint) -> None:
    ops = plan.local(connection(), client, endpoint)
    theirs = Link("nsm-1", 7, addresses=(ip_interface("172.16.9.9/32"),))
    assert plan.refresh(ops, {(client.netns, "nsm-1"): theirs})[0] == ops[0]


def test_refresh_takes_away_routes_of_the_plan_before(client, endpoint) -> None:
    before = plan.local(connection(), client, endpoint)
    wanted = plan.local(connection(replace(DUAL, src_routes=())), client, endpoint)
    again = plan.refresh(wanted, {}, before)
    gone = {str(op.prefix) for op in of(again, DelRoute)}
    assert gone == {"10.0.0.0/8", "::/0"}, "the way to the opposite end is wanted for its own sake"
    assert (again[0], *again[3:]) == wanted
    assert not of(plan.refresh(before, {}, wanted), DelRoute)


def test_refresh_keeps_a_route_that_only_leads_by_another_gateway(client, endpoint) -> None:
    host, net, *rest = DUAL.src_routes
    routes = (host, replace(net, next_hop="172.16.1.7"), *rest)
    before = plan.local(connection(), client, endpoint)
    wanted = plan.local(connection(replace(DUAL, src_routes=routes)), client, endpoint)
    assert plan.refresh(wanted, {}, before) == wanted != before


hosts = st.one_of(
    st.ip_addresses(v=4, network="10.0.0.0/8"), st.ip_addresses(v=6, network="2001:db8::/32")
)
prefixes = st.one_of(
    st.builds(lambda a, n: f"{a}/{n}", st.ip_addresses(v=4), st.integers(0, 32)),
    st.builds(lambda a, n: f"{a}/{n}", st.ip_addresses(v=6), st.integers(0, 128)),
)


@given(st.lists(hosts, max_size=6), st.lists(hosts, max_size=6), st.lists(prefixes, max_size=6))
def test_every_gateway_is_reachable_on_the_link(mine, theirs, wanted) -> None:
    ip = IpContext(
        tuple(f"{a}/{a.max_prefixlen}" for a in mine),
        tuple(f"{a}/{a.max_prefixlen}" for a in theirs),
        src_routes=tuple(map(Route, wanted)),
    )
    ops = plan.local(connection(ip), plan.End(netns(), "a"), plan.End(netns(), "b"))
    at_client = [op for op in of(ops, AddRoute) if op.netns == ops[0].a.netns]
    for op in at_client:
        assert op.gateway is None or op.gateway in theirs
    covered = {op.prefix for op in at_client}
    assert {ip_network(prefix, strict=False) for prefix in wanted} <= covered
