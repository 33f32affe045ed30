"""Connection contexts, read from and written to the wire."""

from nsm.api.context import (
    ConnectionContext,
    DnsConfig,
    DnsContext,
    EthernetContext,
    ExtraPrefixRequest,
    IpContext,
    IpNeighbor,
    PolicyRoute,
    Route,
)
from nsm.wire._gen import connectioncontext_pb2 as pb
from nsm.wire.reader import Reader, mapping, texts
from nsm.wire.writer import each, extend, fill, keep


def read_route(m: pb.Route, reader: Reader) -> Route:
    return Route(m.prefix, m.nextHop, reader.rest(m))


def write_route(noun: Route, m: pb.Route) -> None:
    m.prefix = noun.prefix
    m.nextHop = noun.next_hop
    keep(noun.rest, m)


def read_neighbor(m: pb.IpNeighbor, reader: Reader) -> IpNeighbor:
    return IpNeighbor(m.ip, m.hardware_address, reader.rest(m))


def write_neighbor(noun: IpNeighbor, m: pb.IpNeighbor) -> None:
    m.ip = noun.ip
    m.hardware_address = noun.hardware_address
    keep(noun.rest, m)


def read_extra_prefix(m: pb.ExtraPrefixRequest, reader: Reader) -> ExtraPrefixRequest:
    return ExtraPrefixRequest(
        m.addr_family.family if m.HasField("addr_family") else None,
        m.prefix_len,
        m.required_number,
        m.requested_number,
        reader.rest(m),
    )


def write_extra_prefix(noun: ExtraPrefixRequest, m: pb.ExtraPrefixRequest) -> None:
    if noun.family is not None:
        m.addr_family.family = noun.family
    m.prefix_len = noun.prefix_len
    m.required_number = noun.required_number
    m.requested_number = noun.requested_number
    keep(noun.rest, m)


def read_policy(m: pb.PolicyRoute, reader: Reader) -> PolicyRoute:
    return PolicyRoute(
        getattr(m, "from"),
        m.proto,
        m.dst_port,
        m.src_port,
        reader.many(read_route, m.routes),
        reader.rest(m),
    )


def write_policy(noun: PolicyRoute, m: pb.PolicyRoute) -> None:
    setattr(m, "from", noun.from_)
    m.proto = noun.proto
    m.dst_port = noun.dst_port
    m.src_port = noun.src_port
    each(noun.routes, write_route, m.routes)
    keep(noun.rest, m)


def read_ip(m: pb.IPContext, reader: Reader) -> IpContext:
    return IpContext(
        texts(m.src_ip_addrs),
        texts(m.dst_ip_addrs),
        m.src_ip_required,
        m.dst_ip_required,
        reader.many(read_route, m.src_routes),
        reader.many(read_route, m.dst_routes),
        texts(m.excluded_prefixes),
        reader.many(read_neighbor, m.ip_neighbors),
        reader.many(read_extra_prefix, m.extra_prefix_request),
        texts(m.extra_prefixes),
        reader.many(read_policy, m.policies),
        reader.rest(m),
    )


def write_ip(noun: IpContext, m: pb.IPContext) -> None:
    extend(noun.src_ip_addrs, m.src_ip_addrs)
    extend(noun.dst_ip_addrs, m.dst_ip_addrs)
    m.src_ip_required = noun.src_ip_required
    m.dst_ip_required = noun.dst_ip_required
    each(noun.src_routes, write_route, m.src_routes)
    each(noun.dst_routes, write_route, m.dst_routes)
    extend(noun.excluded_prefixes, m.excluded_prefixes)
    each(noun.ip_neighbors, write_neighbor, m.ip_neighbors)
    each(noun.extra_prefix_request, write_extra_prefix, m.extra_prefix_request)
    extend(noun.extra_prefixes, m.extra_prefixes)
    each(noun.policies, write_policy, m.policies)
    keep(noun.rest, m)


def read_dns_config(m: pb.DNSConfig, reader: Reader) -> DnsConfig:
    return DnsConfig(texts(m.dns_server_ips), texts(m.search_domains), reader.rest(m))


def write_dns_config(noun: DnsConfig, m: pb.DNSConfig) -> None:
    extend(noun.dns_server_ips, m.dns_server_ips)
    extend(noun.search_domains, m.search_domains)
    keep(noun.rest, m)


def read_dns(m: pb.DNSContext, reader: Reader) -> DnsContext:
    return DnsContext(reader.many(read_dns_config, m.configs), reader.rest(m))


def write_dns(noun: DnsContext, m: pb.DNSContext) -> None:
    m.SetInParent()
    each(noun.configs, write_dns_config, m.configs)
    keep(noun.rest, m)


def read_ethernet(m: pb.EthernetContext, reader: Reader) -> EthernetContext:
    return EthernetContext(m.src_mac, m.dst_mac, m.vlan_tag, reader.rest(m))


def write_ethernet(noun: EthernetContext, m: pb.EthernetContext) -> None:
    m.src_mac = noun.src_mac
    m.dst_mac = noun.dst_mac
    m.vlan_tag = noun.vlan_tag
    keep(noun.rest, m)


def read_context(m: pb.ConnectionContext, reader: Reader) -> ConnectionContext:
    return ConnectionContext(
        read_ip(m.ip_context, reader) if m.HasField("ip_context") else None,
        read_dns(m.dns_context, reader) if m.HasField("dns_context") else None,
        read_ethernet(m.ethernet_context, reader) if m.HasField("ethernet_context") else None,
        mapping(m.extra_context),
        m.MTU,
        reader.rest(m),
    )


def write_context(noun: ConnectionContext, m: pb.ConnectionContext) -> None:
    if noun.ip_context is not None:
        write_ip(noun.ip_context, m.ip_context)
    if noun.dns_context is not None:
        write_dns(noun.dns_context, m.dns_context)
    if noun.ethernet_context is not None:
        write_ethernet(noun.ethernet_context, m.ethernet_context)
    fill(noun.extra_context, m.extra_context)
    m.MTU = noun.mtu
    keep(noun.rest, m)
