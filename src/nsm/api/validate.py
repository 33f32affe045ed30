"""What a peer may ask and answer: everything bounded, and parsed once before it is believed.

Whether ids and hops fit together is not decided here but where the path is updated.
"""

import re
from collections.abc import Callable, Mapping, Sequence, Sized
from functools import partial
from typing import TypeVar

from nsm.api.cidr import address, host, prefix
from nsm.api.connection import Connection, Path, Request, Segment
from nsm.api.context import (
    IPV4,
    ConnectionContext,
    DnsConfig,
    EthernetContext,
    ExtraPrefixRequest,
    IpContext,
    IpNeighbor,
    PolicyRoute,
    Route,
)
from nsm.api.mechanism import KERNEL, NAME, Mechanism
from nsm.api.monitoring import Selector
from nsm.api.names import LONGEST_NAME, check_interface, check_labels, shown
from nsm.api.ports import port_range, protocol
from nsm.errors import Invalid

MOST_HOPS = 128
MOST_OFFERS = 64
MOST_ADDRESSES = 256
MOST_ROUTES = 1024
MOST_EXCLUDED = 4096
MOST_TEXTS = 256
LONGEST_TEXT = 8192
LONGEST_TOKEN = 16_384
LARGEST = 65_536
"""Characters in all labels, or all parameters, together."""

T = TypeVar("T")
_MAC = re.compile(r"(?:[0-9a-fA-F]{2}([:-])(?:[0-9a-fA-F]{2}\1){4}[0-9a-fA-F]{2})?", re.ASCII)


def check_request(request: Request) -> None:
    """Refuse, as Invalid, a request that no honest peer would send."""
    check_connection(request.connection)
    _each("mechanism preferences", request.preferences, MOST_OFFERS, _mechanism)


def check_connection(conn: Connection) -> None:
    """Refuse, as Invalid, a connection that no honest peer would send."""
    _name("connection id", conn.id)
    _name("network service", conn.network_service)
    _name("endpoint", conn.endpoint)
    _name("payload", conn.payload)
    check_labels(conn.labels)
    _texts("labels", conn.labels)
    _path(conn.hops)
    if conn.mechanism is not None:
        _mechanism(conn.mechanism)
    if conn.context is not None:
        _context(conn.context)


def check_selector(selector: Selector) -> None:
    """Refuse, as Invalid, a selector that no honest observer would send."""
    _each("path segments", selector.path_segments, MOST_HOPS, _segment)
    _each("network services", selector.network_services, MOST_TEXTS, _service)


def _path(path: Path) -> None:
    _each("path segments", path.segments, MOST_HOPS, _segment)
    if path.index and path.index >= len(path.segments):
        raise Invalid(
            f"path index {path.index} is beyond the {len(path.segments)} segments",
            fix="the index is that of the hop which speaks",
        )
    if len({(segment.name, segment.id) for segment in path.segments}) < len(path.segments):
        raise Invalid("a hop stands twice in the path as the same connection", fix="find the loop")


def _segment(segment: Segment) -> None:
    _name("path segment", segment.name)
    _name("path segment's id", segment.id)
    if len(segment.token) > LONGEST_TOKEN or not segment.token.isascii():
        raise Invalid(f"the token of path segment {shown(segment.name)} is none")
    _texts("metrics", segment.metrics)


def _mechanism(mechanism: Mechanism) -> None:
    _name("mechanism class", mechanism.cls)
    _name("mechanism type", mechanism.type)
    _texts("mechanism parameters", mechanism.parameters)
    if mechanism.type == KERNEL and mechanism.get(NAME):
        check_interface(mechanism.get(NAME))


def _context(context: ConnectionContext) -> None:
    if context.mtu and not 68 <= context.mtu <= 0xFFFF:
        raise Invalid(f"an MTU of {context.mtu}", fix="68 to 65535, or 0 for any")
    _texts("extra context", context.extra_context)
    if context.ip_context is not None:
        _ip(context.ip_context)
    if context.dns_context is not None:
        _each("DNS configurations", context.dns_context.configs, MOST_ADDRESSES, _dns)
    if context.ethernet_context is not None:
        _ethernet(context.ethernet_context)


def _ip(ip: IpContext) -> None:
    _each("addresses", ip.src_ip_addrs + ip.dst_ip_addrs, MOST_ADDRESSES, host)
    _each("excluded prefixes", ip.excluded_prefixes, MOST_EXCLUDED, prefix)
    _each("extra prefixes", ip.extra_prefixes, MOST_ADDRESSES, prefix)
    _each("routes", ip.src_routes + ip.dst_routes, MOST_ROUTES, _route)
    _each("neighbours", ip.ip_neighbors, MOST_ADDRESSES, _neighbor)
    _each("prefix requests", ip.extra_prefix_request, MOST_ADDRESSES, _wish)
    _each("policies", ip.policies, MOST_ADDRESSES, _policy)


def _route(route: Route) -> None:
    prefix(route.prefix)
    if route.next_hop:
        address(route.next_hop)


def _neighbor(neighbor: IpNeighbor) -> None:
    address(neighbor.ip)
    _mac(neighbor.hardware_address)


def _wish(wish: ExtraPrefixRequest) -> None:
    longest = 32 if wish.family == IPV4 else 128
    counted = 1 <= wish.required_number <= wish.requested_number
    if wish.family is None or not counted or not 1 <= wish.prefix_len <= longest:
        raise Invalid(
            "a prefix request that cannot be met as written",
            fix="name the family, a length it has, and 1 <= required <= requested",
        )


def _policy(policy: PolicyRoute) -> None:
    if policy.from_:
        host(policy.from_)
    protocol(policy.proto)
    port_range(policy.dst_port)
    port_range(policy.src_port)
    _each("routes of a policy", policy.routes, MOST_ROUTES, _route)


def _dns(config: DnsConfig) -> None:
    _each("DNS servers", config.dns_server_ips, MOST_TEXTS, address)
    _each("search domains", config.search_domains, MOST_TEXTS, _domain)


def _ethernet(ethernet: EthernetContext) -> None:
    _mac(ethernet.src_mac)
    _mac(ethernet.dst_mac)
    if not 0 <= ethernet.vlan_tag <= 0xFFF:
        raise Invalid(f"a VLAN tag of {ethernet.vlan_tag}", fix="1 to 4094, or 0 for none")


def _mac(text: str) -> None:
    if not _MAC.fullmatch(text):
        raise Invalid(f"{shown(text)} is no hardware address", fix="write 02:00:00:00:00:01")


def _name(what: str, text: str) -> None:
    if len(text) > LONGEST_NAME or not text.isprintable():
        raise Invalid(f"{what} {shown(text)}", fix=f"{LONGEST_NAME} printable characters at most")


def _texts(what: str, texts: Mapping[str, str]) -> None:
    _few(what, texts, MOST_TEXTS)
    size = 0
    for key, value in texts.items():
        _name(f"key of {what}", key)
        size += len(key) + len(value)
        if len(value) > LONGEST_TEXT or "\0" in value or size > LARGEST:
            raise Invalid(f"{what} too large at {shown(key)}", fix=f"{LARGEST} characters in all")


def _each(what: str, items: Sequence[T], most: int, check: Callable[[T], object]) -> None:
    _few(what, items, most)
    for item in items:
        check(item)


def _few(what: str, items: Sized, most: int) -> None:
    if len(items) > most:
        raise Invalid(f"{len(items)} {what}", fix=f"no more than {most}")


_service = partial(_name, "network service")
_domain = partial(_name, "search domain")
