"""What a vWire carries with it: addresses, routes, names, MTU. "src" is the client's side."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from nsm.api import cidr
from nsm.api.cidr import Address
from nsm.nouns import replace

IPV4 = 0
IPV6 = 1


@dataclass(frozen=True, slots=True)
class Route:
    """A prefix reached through the vWire; no next hop means the opposite end."""

    prefix: str = ""
    next_hop: str = ""
    rest: bytes = b""


@dataclass(frozen=True, slots=True)
class IpNeighbor:
    """A neighbour whose hardware address need not be asked for."""

    ip: str = ""
    hardware_address: str = ""
    rest: bytes = b""


@dataclass(frozen=True, slots=True)
class ExtraPrefixRequest:
    """A wish for whole prefixes beside the addresses; `family` is None where none was named."""

    family: int | None = None
    prefix_len: int = 0
    required_number: int = 0
    requested_number: int = 0
    rest: bytes = b""


@dataclass(frozen=True, slots=True)
class PolicyRoute:
    """Routes for traffic that matches: `proto` is a decimal number, ports are "N" or "A-B"."""

    from_: str = ""
    proto: str = ""
    dst_port: str = ""
    src_port: str = ""
    routes: tuple[Route, ...] = ()
    rest: bytes = b""


@dataclass(frozen=True, slots=True)
class IpContext:
    """Addresses (CIDR text) and routes; `src_routes` stand at the client."""

    src_ip_addrs: tuple[str, ...] = ()
    dst_ip_addrs: tuple[str, ...] = ()
    src_ip_required: bool = False
    dst_ip_required: bool = False
    src_routes: tuple[Route, ...] = ()
    dst_routes: tuple[Route, ...] = ()
    excluded_prefixes: tuple[str, ...] = ()
    ip_neighbors: tuple[IpNeighbor, ...] = ()
    extra_prefix_request: tuple[ExtraPrefixRequest, ...] = ()
    extra_prefixes: tuple[str, ...] = ()
    policies: tuple[PolicyRoute, ...] = ()
    rest: bytes = b""

    @property
    def addresses(self) -> set[Address]:
        """All of both ends."""
        return {cidr.host(text) for text in (*self.src_ip_addrs, *self.dst_ip_addrs)}

    def without(self, gone: Collection[Address]) -> "IpContext":
        """The same without these addresses, and without the routes to each alone."""
        lonely = {cidr.prefix(f"{one}/{one.max_prefixlen}") for one in gone}
        return replace(
            self,
            src_ip_addrs=tuple(text for text in self.src_ip_addrs if cidr.host(text) not in gone),
            dst_ip_addrs=tuple(text for text in self.dst_ip_addrs if cidr.host(text) not in gone),
            src_routes=tuple(r for r in self.src_routes if cidr.prefix(r.prefix) not in lonely),
            dst_routes=tuple(r for r in self.dst_routes if cidr.prefix(r.prefix) not in lonely),
        )

    @property
    def wish(self) -> "IpContext":
        """What of it is the client's own, and no endpoint's answer."""
        return IpContext(
            src_ip_required=self.src_ip_required,
            dst_ip_required=self.dst_ip_required,
            excluded_prefixes=self.excluded_prefixes,
            extra_prefix_request=self.extra_prefix_request,
        )


@dataclass(frozen=True, slots=True)
class DnsConfig:
    """Servers to ask for names under these domains."""

    dns_server_ips: tuple[str, ...] = ()
    search_domains: tuple[str, ...] = ()
    rest: bytes = b""


@dataclass(frozen=True, slots=True)
class DnsContext:
    """Name service that comes with the vWire."""

    configs: tuple[DnsConfig, ...] = ()
    rest: bytes = b""


@dataclass(frozen=True, slots=True)
class EthernetContext:
    """Hardware addresses and VLAN of an Ethernet payload."""

    src_mac: str = ""
    dst_mac: str = ""
    vlan_tag: int = 0
    rest: bytes = b""


@dataclass(frozen=True, slots=True)
class ConnectionContext:
    """All of it; a part that is None was absent, which is not the same as empty."""

    ip_context: IpContext | None = None
    dns_context: DnsContext | None = None
    ethernet_context: EthernetContext | None = None
    extra_context: Mapping[str, str] = field(default_factory=dict)
    mtu: int = 0
    rest: bytes = b""
