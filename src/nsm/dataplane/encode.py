"""Rtnetlink messages as bytes: one function a message, nothing of sockets.

Encoding through a general library costs several milliseconds a vWire; these cost microseconds.
"""

import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
)

from nsm.dataplane import rtnl
from nsm.nouns import replace

Address = IPv4Address | IPv6Address
Interface = IPv4Interface | IPv6Interface
Network = IPv4Network | IPv6Network

FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
CREATE = rtnl.NLM_F_CREATE | rtnl.NLM_F_EXCL
REPLACE = rtnl.NLM_F_CREATE | rtnl.NLM_F_REPLACE
RULE_PRIORITY = 30000
"""Of all our rules, so that they hold in the order they were added, and one is not added twice."""

_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_U32 = struct.Struct("=I")
_LINK = struct.Struct("=BxHiII")
_ADDRESS = struct.Struct("=BBBBI")
_ROUTE = struct.Struct("=BBBBBBBBI")
_NEIGHBOUR = struct.Struct("=BxxxiHBB")


@dataclass(frozen=True, slots=True)
class Message:
    """One request, waiting for its sequence number."""

    type: int
    flags: int
    body: bytes

    def numbered(self, sequence: int, keep: int = ~0) -> bytes:
        """The bytes to send, a multiple of four; of its flags those that are in `keep`."""
        flags = self.flags & keep | rtnl.NLM_F_REQUEST
        return _HEADER.pack(16 + len(self.body), self.type, flags, sequence, 0) + self.body


@dataclass(frozen=True, slots=True)
class NewEnd:
    """A link to be: its name, index, hardware address and group, and where it appears."""

    name: str
    index: int
    netns_fd: int
    mac: bytes = b""
    group: int = 0


def attribute(kind: int, value: bytes) -> bytes:
    """A type-length-value, padded to four bytes."""
    return _ATTRIBUTE.pack(4 + len(value), kind) + value + b"\0" * (-len(value) % 4)


def nest(kind: int, *inner: bytes) -> bytes:
    """Attributes within an attribute."""
    return attribute(kind | rtnl.NLA_F_NESTED, b"".join(inner))


def number(kind: int, value: int) -> bytes:
    """An attribute that holds 32 bits in the machine's order."""
    return attribute(kind, _U32.pack(value))


def text(kind: int, value: str) -> bytes:
    """An attribute that holds text with its NUL."""
    return attribute(kind, value.encode() + b"\0")


def _end(end: NewEnd, mtu: int, up: int) -> bytes:
    """A link header and what every new link has."""
    return b"".join(
        (
            _LINK.pack(0, 0, end.index, up, up),
            text(rtnl.IFLA_IFNAME, end.name),
            number(rtnl.IFLA_NET_NS_FD, end.netns_fd),
            number(rtnl.IFLA_GROUP, end.group) if end.group else b"",
            number(rtnl.IFLA_MTU, mtu) if mtu else b"",
            attribute(rtnl.IFLA_ADDRESS, end.mac) if end.mac else b"",
        )
    )


def _info(kind: str, *data: bytes) -> bytes:
    return nest(
        rtnl.IFLA_LINKINFO, text(rtnl.IFLA_INFO_KIND, kind), nest(rtnl.IFLA_INFO_DATA, *data)
    )


def new_link(end: NewEnd, kind: str, *data: bytes, mtu: int = 0, beside: bytes = b"") -> Message:
    """Create a link of some kind, in place and up; `beside` are attributes of the link itself."""
    body = _end(end, mtu, rtnl.IFF_UP) + beside + _info(kind, *data)
    return Message(rtnl.RTM_NEWLINK, CREATE | rtnl.NLM_F_ACK, body)


def new_veth(a: NewEnd, b: NewEnd, mtu: int = 0) -> Message:
    """Create two joined links, each at once in its namespace and under its name; `b` is down.

    The kernel refuses to open the second before the two are joined. Give them different indices:
    to a link whose peer has its own index the kernel tells its carrier only after up to a second.
    """
    return new_link(a, "veth", nest(rtnl.VETH_INFO_PEER, _end(b, mtu, 0)), mtu=mtu)


@dataclass(frozen=True, slots=True)
class Tunnel:
    """What a VXLAN device is to its underlay; its socket belongs to the sender's namespace."""

    vni: int
    local: Address
    remote: Address
    port: int


def new_vxlan(end: NewEnd, tunnel: Tunnel, mtu: int = 0) -> Message:
    """Create a point-to-point VXLAN link in `end`'s namespace."""
    six = tunnel.remote.version == 6
    return new_link(
        end,
        "vxlan",
        number(rtnl.IFLA_VXLAN_ID, tunnel.vni),
        attribute(rtnl.IFLA_VXLAN_GROUP6 if six else rtnl.IFLA_VXLAN_GROUP, tunnel.remote.packed),
        attribute(rtnl.IFLA_VXLAN_LOCAL6 if six else rtnl.IFLA_VXLAN_LOCAL, tunnel.local.packed),
        attribute(rtnl.IFLA_VXLAN_PORT, struct.pack("!H", tunnel.port)),
        attribute(rtnl.IFLA_VXLAN_LEARNING, b"\0"),
        mtu=mtu,
    )


def set_link(index: int, *attributes: bytes, up: bool | None = None) -> Message:
    """Change a link; `up` is left alone when None."""
    flags, change = (rtnl.IFF_UP if up else 0), (rtnl.IFF_UP if up is not None else 0)
    body = _LINK.pack(0, 0, index, flags, change) + b"".join(attributes)
    return Message(rtnl.RTM_SETLINK, rtnl.NLM_F_ACK, body)


def get_link(name: str = "", index: int = 0) -> Message:
    """Ask for one link by name or by index; the answer is the link, or an error."""
    wanted = text(rtnl.IFLA_IFNAME, name) if name else b""
    return Message(rtnl.RTM_GETLINK, 0, _LINK.pack(0, 0, index, 0, 0) + wanted)


def get_links() -> Message:
    """Ask for all links."""
    return Message(rtnl.RTM_GETLINK, rtnl.NLM_F_DUMP, _LINK.pack(0, 0, 0, 0, 0))


def get_addresses(index: int = 0) -> Message:
    """Ask for all addresses, or, narrowly, for those of one link."""
    return Message(rtnl.RTM_GETADDR, rtnl.NLM_F_DUMP, _ADDRESS.pack(0, 0, 0, 0, index))


def delete_link(index: int) -> Message:
    """Delete one link; waits 20 to 40 ms for an RCU grace period."""
    return Message(rtnl.RTM_DELLINK, rtnl.NLM_F_ACK, _LINK.pack(0, 0, index, 0, 0))


def delete_group(group: int) -> Message:
    """Delete all links of a group in one such wait."""
    body = _LINK.pack(0, 0, 0, 0, 0) + number(rtnl.IFLA_GROUP, group)
    return Message(rtnl.RTM_DELLINK, rtnl.NLM_F_ACK, body)


def _address(index: int, address: Interface) -> bytes:
    flags = rtnl.IFA_F_PERMANENT | (rtnl.IFA_F_NODAD if address.version == 6 else 0)
    head = _ADDRESS.pack(FAMILY[address.version], address.network.prefixlen, flags, 0, index)
    local = address.ip.packed
    return (
        head
        + attribute(rtnl.IFA_LOCAL, local)
        + attribute(rtnl.IFA_ADDRESS, local)
        + number(rtnl.IFA_FLAGS, flags)
    )


def new_address(index: int, address: Interface) -> Message:
    """Give a link a permanent address; an IPv6 one is usable at once (no duplicate detection)."""
    return Message(rtnl.RTM_NEWADDR, CREATE | rtnl.NLM_F_ACK, _address(index, address))


def delete_address(index: int, address: Interface) -> Message:
    """Take an address away."""
    return Message(rtnl.RTM_DELADDR, rtnl.NLM_F_ACK, _address(index, address))


@dataclass(frozen=True, slots=True)
class RouteTo:
    """A prefix behind a link: by a gateway taken to be on the link, or on the link itself."""

    prefix: Network
    index: int
    gateway: Address | None = None
    table: int = rtnl.RT_TABLE_MAIN


def new_route(flags: int, to: RouteTo) -> Message:
    """Add a route, or replace one."""
    scope = rtnl.RT_SCOPE_UNIVERSE if to.gateway else rtnl.RT_SCOPE_LINK
    return _route(rtnl.RTM_NEWROUTE, flags, to, scope)


def delete_route(to: RouteTo) -> Message:
    """Delete the route to a prefix by a link, whatever its gateway."""
    return _route(rtnl.RTM_DELROUTE, 0, replace(to, gateway=None), rtnl.RT_SCOPE_NOWHERE)


def _route(type: int, flags: int, to: RouteTo, scope: int) -> Message:
    onlink = rtnl.RTNH_F_ONLINK if to.gateway else 0
    small = to.table if to.table < 256 else rtnl.RT_TABLE_UNSPEC
    head = _ROUTE.pack(
        FAMILY[to.prefix.version], to.prefix.prefixlen, 0, 0,
        small, rtnl.RTPROT_STATIC, scope, rtnl.RTN_UNICAST, onlink,
    )  # fmt: skip
    return Message(
        type,
        flags | rtnl.NLM_F_ACK,
        head
        + attribute(rtnl.RTA_DST, to.prefix.network_address.packed)
        + number(rtnl.RTA_OIF, to.index)
        + (attribute(rtnl.RTA_GATEWAY, to.gateway.packed) if to.gateway else b"")
        + number(rtnl.RTA_TABLE, to.table),
    )


def neighbor(type: int, flags: int, index: int, ip: Address, mac: bytes, state: int) -> Message:
    """Add or delete what is known of a neighbour; without `mac` the entry is named only."""
    head = _NEIGHBOUR.pack(FAMILY[ip.version], index, state, 0, 0)
    known = attribute(rtnl.NDA_LLADDR, mac) if mac else b""
    return Message(type, flags | rtnl.NLM_F_ACK, head + attribute(rtnl.NDA_DST, ip.packed) + known)


@dataclass(frozen=True, slots=True)
class Match:
    """Traffic that a policy rule sends to a table; ports are first and last, both within."""

    version: int
    table: int
    source: Network | None = None
    proto: int | None = None
    dst_port: tuple[int, int] | None = None
    src_port: tuple[int, int] | None = None


def rule(type: int, flags: int, match: Match) -> Message:
    """Add or delete a policy rule."""
    length = match.source.prefixlen if match.source else 0
    head = _ROUTE.pack(
        FAMILY[match.version], 0, length, 0,
        match.table if match.table < 256 else 0, 0, 0, rtnl.FR_ACT_TO_TBL, 0,
    )  # fmt: skip
    return Message(type, flags | rtnl.NLM_F_ACK, head + b"".join(_conditions(match)))


def _conditions(match: Match) -> Iterable[bytes]:
    yield number(rtnl.FRA_PRIORITY, RULE_PRIORITY)
    yield number(rtnl.FRA_TABLE, match.table)
    if match.source:
        yield attribute(rtnl.FRA_SRC, match.source.network_address.packed)
    if match.proto is not None:
        yield attribute(rtnl.FRA_IP_PROTO, struct.pack("=B", match.proto))
    if match.src_port:
        yield attribute(rtnl.FRA_SPORT_RANGE, struct.pack("=HH", *match.src_port))
    if match.dst_port:
        yield attribute(rtnl.FRA_DPORT_RANGE, struct.pack("=HH", *match.dst_port))
