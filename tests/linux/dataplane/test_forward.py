"""A passthrough carries between its two vWires, whatever they carry and whoever knows whom."""

import asyncio
import socket
from ipaddress import ip_interface

import pytest

from nsm.api.connection import ETHERNET, IP, Connection
from nsm.api.context import ConnectionContext, IpContext, Route
from nsm.api.mechanism import REMOTE, VXLAN, Mechanism
from nsm.dataplane import named, plan
from nsm.dataplane.forward import PASS_ALL, Joint, Port, join, part
from nsm.dataplane.ops import LinkEnd
from nsm.dataplane.rules import acl, written
from nsm.errors import Invalid, NotFound

from .conftest import pings, tell

pytestmark = pytest.mark.linux

DUAL = IpContext(
    src_ip_addrs=("172.16.1.1/32", "2001:db8::1/128"),
    dst_ip_addrs=("172.16.1.0/32", "2001:db8::/128"),
    src_routes=(Route("10.0.0.0/8"),),
)
CLIENT = tuple(ip_interface(a).ip for a in DUAL.src_ip_addrs)
ENDPOINT = tuple(ip_interface(a).ip for a in DUAL.dst_ip_addrs)


def conn(number: int, payload: str = IP, mechanism: Mechanism | None = None) -> Connection:
    context = ConnectionContext(ip_context=DUAL, mtu=1400)
    return Connection(id=f"c-{number}", payload=payload, context=context, mechanism=mechanism)


async def chain(kernel, spaces, knows, payload=IP, rules=PASS_ALL):
    """A client, passthroughs, an endpoint; `knows` says which vWires have permanent neighbours."""
    stations = [spaces() for _ in range(len(knows) + 1)]
    for number, know in enumerate(knows):
        a, b = stations[number], stations[number + 1]
        ends = plan.End(a, "out"), plan.End(b, "in")
        await kernel.apply(*plan.local(conn(number, payload), *ends, know_neighbors=know))
    for station in stations[1:-1]:
        await join(kernel, Joint(station, Port("in", CLIENT), Port("out", ENDPOINT)), rules)
    return stations


async def reach(netns, *addresses):
    return [await pings(netns, address, more=("-c2", "-i0.05")) for address in addresses]


@pytest.mark.parametrize(
    "knows",
    [
        [True, True],
        [False, False],
        [True, False],
        [False, True],
        [True, True, True, True],
        [True, False, False, True],
        [False, True, True, False],
    ],
    ids=str,
)
async def test_both_ends_reach_each_other_whoever_knows_whom(kernel, spaces, knows) -> None:
    client, *_, endpoint = await chain(kernel, spaces, knows)
    assert await reach(client, "172.16.1.0", "2001:db8::") == [True, True]
    assert await reach(endpoint, "172.16.1.1", "2001:db8::1") == [True, True]


async def test_the_endpoint_can_begin(kernel, spaces) -> None:
    client, *_, endpoint = await chain(kernel, spaces, [False, True])
    assert await reach(endpoint, "2001:db8::1", "172.16.1.1") == [True, True]
    assert await reach(client, "2001:db8::", "172.16.1.0") == [True, True]


async def test_ethernet_payload_is_a_wire(kernel, spaces) -> None:
    client, _, endpoint = await chain(kernel, spaces, [True, True], payload=ETHERNET)
    assert await reach(client, "172.16.1.0", "2001:db8::") == [True, True]
    seen = (await kernel.look(endpoint, "in")).mac
    assert seen in (await tell(client, "ip", "neigh", "show", "172.16.1.0")).out


async def test_what_lies_behind_the_endpoint_is_reached(kernel, spaces) -> None:
    client, _, endpoint = await chain(kernel, spaces, [True, True])
    await tell(endpoint, "ip", "addr", "add", "10.1.2.3/32", "dev", "lo")
    assert await reach(client, "10.1.2.3") == [True]


async def test_full_size_passes_and_one_byte_more_does_not(kernel, spaces) -> None:
    client, *_ = await chain(kernel, spaces, [True, True, True])
    assert await pings(client, "172.16.1.0", size=1400 - 28)
    assert await pings(client, "2001:db8::", size=1400 - 48)
    assert not await pings(client, "172.16.1.0", size=1400 - 27)


async def test_strict_reverse_paths_do_not_matter(kernel, spaces) -> None:
    client, middle, _ = await chain(kernel, spaces, [True, False])
    await named.set_kernel(middle, ipv4__conf__all__rp_filter="1", ipv4__ip_forward="0")
    assert await reach(client, "172.16.1.0", "2001:db8::") == [True, True]


async def test_parting_stops_and_joining_goes_on(kernel, spaces) -> None:
    client, middle, _ = await chain(kernel, spaces, [True, True])
    joint = Joint(middle, Port("in", CLIENT), Port("out", ENDPOINT))
    await part(kernel, joint)
    await part(kernel, joint)
    assert await reach(client, "10.1.2.3") == [False]
    await join(kernel, joint)
    assert await reach(client, "172.16.1.0", "2001:db8::") == [True, True]
    assert "table" in (await tell(middle, "nft", "list", "tables")).out


async def test_across_two_nodes(kernel, spaces) -> None:
    nodes, client, middle, endpoint = [spaces(), spaces()], spaces(), spaces(), spaces()
    bridge = spaces()
    await named.bridge(kernel, LinkEnd(bridge, "br0"))
    for number, node in enumerate(nodes, 1):
        port = LinkEnd(bridge, f"p{number}")
        address = ip_interface(f"100.64.0.{number}/24")
        await named.plug(kernel, LinkEnd(node, "eth0"), port, "br0", [address])
    await kernel.apply(*plan.local(conn(1), plan.End(client, "out"), plan.End(middle, "in")))
    tunnel = Mechanism(REMOTE, VXLAN, {"src_ip": "100.64.0.1", "dst_ip": "100.64.0.2", "vni": "10"})
    ends = ((plan.CLIENT, middle, "out", nodes[0]), (plan.ENDPOINT, endpoint, "in", nodes[1]))
    for role, netns, name, node in ends:
        ops = plan.remote(
            conn(2, mechanism=tunnel), role, plan.End(netns, name), plan.Underlay(node)
        )
        await kernel.apply(*ops)
    await join(kernel, Joint(middle, Port("in", CLIENT), Port("out", ENDPOINT)))
    assert await reach(client, "172.16.1.0", "2001:db8::") == [True, True]
    assert await reach(endpoint, "172.16.1.1", "2001:db8::1") == [True, True]


def talk(port: int, address: str) -> str:
    """What a server on that port says; empty where there is no way to it."""
    try:
        with socket.create_connection((address, port), timeout=0.4) as wire:
            return wire.recv(10).decode()
    except OSError:
        return ""


async def answers(client, endpoint, *ports, address="172.16.1.0"):
    """Which of the ports answer a client."""

    def listen():
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [socket.create_server((address, port), family=family) for port in ports]

    servers = await named.inside(endpoint, listen)
    try:
        heard = []
        for port, server in zip(ports, servers, strict=True):
            server.settimeout(0.5)
            asked = asyncio.create_task(named.inside(client, lambda p=port: talk(p, address)))
            await asyncio.to_thread(greet, server)
            heard.append(await asked == "hello")
        return heard
    finally:
        for server in servers:
            server.close()


def greet(server: socket.socket) -> None:
    try:
        wire, _ = server.accept()
    except TimeoutError:
        return
    with wire:
        wire.sendall(b"hello")


@pytest.mark.parametrize("address", ["172.16.1.0", "2001:db8::"])
async def test_a_firewall_drops_what_its_rules_say(kernel, spaces, address) -> None:
    rules = written(["tcp dport 80 drop"])
    client, _, endpoint = await chain(kernel, spaces, [True, True], rules=rules)
    assert await answers(client, endpoint, 80, 8080, address=address) == [False, True]
    assert await reach(client, address) == [True]


async def test_replies_pass_where_only_requests_are_allowed(kernel, spaces) -> None:
    rules = written(["tcp dport 8080 accept", "icmp type echo-request accept"], "drop")
    client, _, endpoint = await chain(kernel, spaces, [True, False], rules=rules)
    assert await answers(client, endpoint, 80, 8080) == [False, True]
    assert await reach(client, "172.16.1.0", "2001:db8::") == [True, False]
    assert await answers(endpoint, client, 80, address="172.16.1.1") == [False]


async def test_an_acl_denies_the_rest(kernel, spaces) -> None:
    whole = {"srcportoricmptypelast": 65535, "dstportoricmpcodelast": 65535}
    web = {"dstportoricmpcodefirst": 8080, "dstportoricmpcodelast": 8080}
    rules = acl(
        {
            "allow icmp": {"proto": 1, **whole, "ispermit": 1},
            "allow 8080": {"proto": 6, "srcportoricmptypelast": 65535, **web, "ispermit": 1},
        }
    )
    client, _, endpoint = await chain(kernel, spaces, [True, True], rules=rules)
    assert await reach(client, "172.16.1.0", "2001:db8::") == [True, False]
    assert await answers(client, endpoint, 80, 8080) == [False, True]


async def test_a_rule_that_nft_does_not_know_is_refused_and_changes_nothing(kernel, spaces) -> None:
    client, middle, _ = await chain(kernel, spaces, [True, True])
    joint = Joint(middle, Port("in", CLIENT), Port("out", ENDPOINT))
    with pytest.raises(Invalid, match="nftables refused"):
        await join(kernel, joint, written(["tcp dport nonsense accept"]))
    assert await reach(client, "172.16.1.0") == [True]


async def test_an_interface_that_is_missing_is_named(kernel, spaces) -> None:
    with pytest.raises(NotFound, match="in1"):
        await join(kernel, Joint(spaces(), Port("in1"), Port("out1")))
