"""One side of a vWire: which half of the context is its own, read and checked."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address, ip_interface, ip_network
from typing import Final

from nsm.api.context import IpContext, IpNeighbor, PolicyRoute, Route
from nsm.dataplane.encode import Address, Interface, Network
from nsm.errors import Invalid

CLIENT: Final = "client"
ENDPOINT: Final = "endpoint"

MOST = {"address": 64, "route": 4096, "neighbour": 1024, "policy": 256}
"""More of one kind than anybody means; each costs a message to the kernel."""


@dataclass(frozen=True, slots=True)
class Way:
    """A prefix, and the gateway to it unless it is on the link."""

    prefix: Network
    gateway: Address | None = None


@dataclass(frozen=True, slots=True)
class Side:
    """What one end needs: `routes` in the order they are to be set, links before gateways."""

    addresses: tuple[Interface, ...]
    opposite: tuple[Interface, ...]
    routes: tuple[Way, ...]
    neighbors: tuple[tuple[Address, str], ...]
    policies: tuple[PolicyRoute, ...]

    def gateway(self, version: int) -> Address | None:
        """The first address of the opposite end in a family."""
        return next((a.ip for a in self.opposite if a.version == version), None)

    def way(self, route: Route) -> Way:
        """A route with its gateway made explicit (W §1.2)."""
        written = interface(route.prefix)
        if route.next_hop:
            return Way(written.network, _gateway(route, written.version))
        if any(written.ip in a.network for a in self.opposite if a.version == written.version):
            return Way(written.network)
        return Way(written.network, self.gateway(written.version))


def side(ip: IpContext, role: str) -> Side:
    """The client's half (src) or the endpoint's (dst) of an IP context; Invalid if it's wrong."""
    src, dst = _addresses(ip.src_ip_addrs), _addresses(ip.dst_ip_addrs)
    mine, theirs = (src, dst) if role == CLIENT else (dst, src)
    wanted = ip.src_routes if role == CLIENT else ip.dst_routes
    _bound("route", wanted)
    policies = ip.policies if role == CLIENT else ()
    _bound("policy", policies)
    bare = Side(mine, theirs, (), _neighbors(ip.ip_neighbors), policies)
    ways = (*_links(mine, theirs), *(bare.way(route) for route in wanted))
    return Side(mine, theirs, tuple(dict.fromkeys(ways)), bare.neighbors, policies)


@lru_cache(4096)
def interface(text: str) -> Interface:
    """An address with its prefix; a bare address is a host's. The same are read at each refresh."""
    try:
        return ip_interface(text)
    except ValueError as error:
        raise Invalid(f"{text[:60]!r} is not an address or prefix") from error


def address(text: str) -> Address:
    """An address without a prefix."""
    try:
        return ip_address(text)
    except ValueError as error:
        raise Invalid(f"{text[:60]!r} is not an address") from error


def network(text: str) -> Network:
    """A prefix; bits beyond its length are let go."""
    try:
        return ip_network(text, strict=False)
    except ValueError as error:
        raise Invalid(f"{text[:60]!r} is not a prefix") from error


def _links(mine: Iterable[Interface], theirs: Iterable[Interface]) -> Iterable[Way]:
    """The opposite prefixes are on the link, unless one of ours covers them already."""
    ours = [a.network for a in mine]
    return (Way(a.network) for a in theirs if not any(_within(a, net) for net in ours))


def _within(a: Interface, net: Network) -> bool:
    return a.version == net.version and a.ip in net


def _addresses(texts: Sequence[str]) -> tuple[Interface, ...]:
    _bound("address", texts)
    found = tuple(dict.fromkeys(interface(text) for text in texts))
    for a in found:
        if a.ip.is_unspecified or a.ip.is_multicast or a.ip.is_loopback:
            raise Invalid(f"{a} cannot be the address of a vWire")
    return found


def _neighbors(neighbors: Sequence[IpNeighbor]) -> tuple[tuple[Address, str], ...]:
    _bound("neighbour", neighbors)
    return tuple((interface(n.ip).ip, n.hardware_address) for n in neighbors)


def _gateway(route: Route, version: int) -> Address:
    gateway = address(route.next_hop)
    if gateway.version != version:
        raise Invalid(f"route {route.prefix} has a next hop of the other family")
    return gateway


def _bound(what: str, items: Sequence[object]) -> None:
    if len(items) > MOST[what]:
        raise Invalid(f"{len(items)} of one kind ({what}): at most {MOST[what]}")
