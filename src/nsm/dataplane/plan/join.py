"""The ops that make a vWire: one device and, at each end of ours, all that belongs on it."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from nsm.api import mechanism as keys
from nsm.api.connection import IP, Connection
from nsm.api.mechanism import Mechanism
from nsm.dataplane.encode import Address
from nsm.dataplane.netns import Netns
from nsm.dataplane.ops import AddAddress, AddNeighbor, AddRoute, AddVeth, AddVxlan, LinkEnd, Op
from nsm.dataplane.plan.policies import policies
from nsm.dataplane.plan.side import CLIENT, ENDPOINT, address, side
from nsm.errors import Invalid, Unsupported

LONGEST_NAME = 15
SMALLEST_MTU = {4: 68, 6: 1280}
LARGEST_MTU = 65535
OVERHEAD = {4: 50, 6: 70}
"""What VXLAN adds to an inner IP packet: outer IP, UDP, VXLAN and the inner Ethernet header."""
PORT = 4789


@dataclass(frozen=True, slots=True)
class End:
    """Where a side of a vWire is to stand: a namespace, an interface name, its ledger alias."""

    netns: Netns
    name: str
    alias: str = ""


@dataclass(frozen=True, slots=True)
class Underlay:
    """What a tunnel runs over: the node's namespace and the MTU of its way out."""

    node: Netns
    mtu: int = 1500


def local(
    conn: Connection, client: End, endpoint: End, *, know_neighbors: bool = True
) -> tuple[Op, ...]:
    """Join two workloads of this node by one veth pair.

    With payload IP each end knows the other's hardware address for good, unless an end says that
    it will answer for itself (`know_neighbors` false).
    """
    mtu = _mtu(conn, LARGEST_MTU, default=0)
    a, b = _end(conn, client, CLIENT), _end(conn, endpoint, ENDPOINT)
    known = know_neighbors and conn.payload == IP
    return (
        AddVeth(a, b, mtu),
        *_settings(conn, a, CLIENT, b.mac if known else ""),
        *_settings(conn, b, ENDPOINT, a.mac if known else ""),
    )


def remote(conn: Connection, role: str, end: End, underlay: Underlay) -> tuple[Op, ...]:
    """Make this node's end of a vWire to another node, by VXLAN as `conn.mechanism` says.

    `role` says whose end it is: the client's forwarder is the mechanism's src, the endpoint's its
    dst. The other end is asked for its hardware address: it is not ours to know.
    """
    tunnel = conn.mechanism or Mechanism()
    if tunnel.type != keys.VXLAN:
        raise Unsupported(f"no way to build a {tunnel.type or 'missing'} mechanism", fix="VXLAN")
    mine, theirs = _tunnel_ends(tunnel, role)
    mtu = _mtu(conn, tunnel_mtu(underlay.mtu, theirs), default=LARGEST_MTU)
    made = _end(conn, end, role)
    return (
        AddVxlan(underlay.node, made, _vni(tunnel), mine, theirs, _port(tunnel), mtu),
        *_settings(conn, made, role, ""),
    )


def tunnel_mtu(underlay: int, remote: Address) -> int:
    """What fits into a VXLAN packet towards `remote`."""
    return underlay - OVERHEAD[remote.version]


def hardware_address(connection_id: str, role: str) -> str:
    """The MAC an end of ours has: locally administered, and the same whenever it is worked out."""
    digest = hashlib.sha256(f"{connection_id} {role}".encode()).digest()
    return b"".join((b"\x02", digest[:5])).hex(":")


def _end(conn: Connection, end: End, role: str) -> LinkEnd:
    raw = end.name.encode()
    bad = not raw or len(raw) > LONGEST_NAME or end.name in (".", "..")
    if bad or any(c.isspace() or c in "/:%\0" or not c.isprintable() for c in end.name):
        raise Invalid(
            f"{end.name[:40]!r} cannot be an interface's name",
            fix="1 to 15 bytes, without spaces, slashes, colons and percent signs",
        )
    return LinkEnd(end.netns, end.name, hardware_address(conn.id, role), end.alias)


def _settings(conn: Connection, end: LinkEnd, role: str, peer_mac: str) -> Iterator[Op]:
    """Addresses, then routes, neighbours and rules: each stands on those before it."""
    mine, where = side(conn.ip, role), (end.netns, end.name)
    yield from (AddAddress(*where, a) for a in mine.addresses)
    yield from (AddRoute(*where, way.prefix, way.gateway) for way in mine.routes)
    yield from (AddNeighbor(*where, ip, mac, permanent=False) for ip, mac in mine.neighbors)
    if peer_mac:
        yield from (AddNeighbor(*where, a.ip, peer_mac) for a in mine.opposite)
    yield from policies(f"{conn.id};{role}", *where, mine)


def _mtu(conn: Connection, limit: int, default: int) -> int:
    """The context's MTU where it fits, else what fits; Invalid below what IP needs."""
    wanted = (conn.context.mtu if conn.context else 0) or default
    mtu = min(wanted, limit)
    six = any(":" in a for a in (*conn.ip.src_ip_addrs, *conn.ip.dst_ip_addrs))
    least = SMALLEST_MTU[6 if six else 4]
    if mtu and mtu < least:
        raise Invalid(f"an MTU of {mtu} is less than the {least} that the vWire's addresses need")
    return mtu


def _tunnel_ends(tunnel: Mechanism, role: str) -> tuple[Address, Address]:
    src, dst = address(tunnel.get(keys.SRC_IP)), address(tunnel.get(keys.DST_IP))
    if src.version != dst.version:
        raise Invalid(f"a tunnel from {src} to {dst} mixes families")
    return (src, dst) if role == CLIENT else (dst, src)


def _port(tunnel: Mechanism) -> int:
    """The one UDP port a VXLAN device both listens on and sends to."""
    ports = {_number(tunnel, key, 65535) or PORT for key in (keys.SRC_PORT, keys.DST_PORT)}
    if len(ports) != 1:
        raise Unsupported(f"VXLAN needs one UDP port at both ends, not {sorted(ports)}")
    return ports.pop()


def _vni(tunnel: Mechanism) -> int:
    vni = _number(tunnel, keys.VNI, (1 << 24) - 1)
    if not vni:
        raise Invalid("the mechanism has no VNI")
    return vni


def _number(tunnel: Mechanism, key: str, largest: int) -> int:
    text = tunnel.get(key)
    if text and not (text.isascii() and text.isdigit() and len(text) <= 10):
        raise Invalid(f"{key}={text[:20]!r} is not a number")
    value = int(text or "0")
    if value > largest:
        raise Invalid(f"{key}={value} is more than {largest}")
    return value
