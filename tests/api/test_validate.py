from dataclasses import replace

import pytest

from nsm.api.connection import Connection, Path, Request, Segment
from nsm.api.context import (
    IPV4,
    IPV6,
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
from nsm.api.mechanism import Mechanism
from nsm.api.monitoring import Selector
from nsm.api.timestamp import Timestamp
from nsm.api.validate import check_connection, check_request, check_selector
from nsm.errors import Invalid

KERNEL = Mechanism("LOCAL", "KERNEL", {"name": "nsm-1", "inodeURL": "inode://4/5"})
GOOD = Connection(
    "c0",
    "svc@dom",
    KERNEL,
    ConnectionContext(
        IpContext(
            ("172.16.0.1/32", "2001:db8::1/128"),
            ("172.16.0.0",),
            src_routes=(Route("10.0.0.0/8", "172.16.0.0"), Route("::/0")),
            excluded_prefixes=("100.64.0.0/10",),
            ip_neighbors=(IpNeighbor("172.16.0.0", "02:00:00:00:00:01"),),
            extra_prefix_request=(ExtraPrefixRequest(IPV6, 64, 1, 2),),
            policies=(PolicyRoute("172.16.0.1/32", "6", "80", "1-65535", (Route("::/0"),)),),
        ),
        DnsContext((DnsConfig(("10.0.0.1", "::1"), ("corp.example",)),)),
        EthernetContext("02-00-00-00-00-01", "", 4094),
        {"any": "thing"},
        1500,
    ),
    {"app": "web", "tmpl": "{{.podName}}"},
    Path(1, (Segment("nsc", "c0", "t", Timestamp(1)), Segment("nm", "u1", metrics={"m": "1"}))),
    "nse-1",
    "IP",
    7,
)


def with_ip(**parts: object) -> Connection:
    return GOOD.with_ip(replace(GOOD.ip, **parts))


def with_context(**parts: object) -> Connection:
    return replace(GOOD, context=replace(GOOD.context, **parts))


def with_wish(*numbers: int | None) -> Connection:
    return with_ip(extra_prefix_request=(ExtraPrefixRequest(*numbers),))


def test_an_honest_request_is_let_through() -> None:
    check_request(Request(GOOD, (KERNEL, Mechanism("REMOTE", "VXLAN", {"vni": "5"}))))


def test_an_empty_request_is_let_through() -> None:
    check_request(Request())


@pytest.mark.parametrize(
    ("conn", "cause"),
    [
        (replace(GOOD, id="x" * 257), "connection id"),
        (replace(GOOD, id="a\nb"), "connection id"),
        (replace(GOOD, network_service="a\x1b[2J"), "network service"),
        (replace(GOOD, endpoint="e" * 300), "endpoint"),
        (replace(GOOD, payload="\x00"), "payload"),
        (replace(GOOD, labels={f"k{n}": "" for n in range(257)}), "257 labels"),
        (replace(GOOD, labels={"": "x"}), "key of a label"),
        (replace(GOOD, labels={"k": "v" * 1025}), "label 'k'"),
        (replace(GOOD, labels={f"k{n}": "v" * 1000 for n in range(99)}), "labels too large"),
        (replace(GOOD, path=Path(2, GOOD.hops.segments)), "path index 2"),
        (replace(GOOD, path=Path(1)), "path index 1"),
        (replace(GOOD, path=Path(0, (Segment(),) * 129)), "129 path segments"),
        (replace(GOOD, path=Path(0, (*GOOD.hops.segments, Segment("nsc", "c0")))), "twice"),
        (replace(GOOD, path=Path(0, (Segment("n" * 257),))), "path segment"),
        (replace(GOOD, path=Path(0, (Segment(id="\t"),))), "path segment's id"),
        (replace(GOOD, path=Path(0, (Segment(token="t" * 16_385),))), "token"),
        (replace(GOOD, path=Path(0, (Segment(metrics={"m": "\0"}),))), "metrics"),
        (replace(GOOD, mechanism=Mechanism("L" * 300)), "mechanism class"),
        (replace(GOOD, mechanism=KERNEL.having(name="../../etc")), "name an interface"),
        (replace(GOOD, mechanism=KERNEL.having(x="y" * 8193)), "mechanism parameters"),
        (with_context(mtu=67), "an MTU of 67"),
        (with_context(mtu=65536), "an MTU of 65536"),
        (with_context(extra_context={"k": "\0"}), "extra context"),
        (with_context(ethernet_context=EthernetContext("nonsense")), "no hardware address"),
        (with_context(ethernet_context=EthernetContext(dst_mac="02:00-00:00:00:01")), "hardware"),
        (with_context(ethernet_context=EthernetContext(vlan_tag=4096)), "VLAN tag"),
        (with_context(ethernet_context=EthernetContext(vlan_tag=-1)), "VLAN tag"),
        (with_context(dns_context=DnsContext((DnsConfig(("self",)),))), "no IP address"),
        (with_context(dns_context=DnsContext((DnsConfig((), ("\n",)),))), "search domain"),
        (with_context(dns_context=DnsContext((DnsConfig(),) * 257)), "257 DNS"),
        (with_ip(src_ip_addrs=("10.0.0.300/32",)), "is no prefix"),
        (with_ip(dst_ip_addrs=("nonsense",)), "is no IP address"),
        (with_ip(src_ip_addrs=("10.0.0.1",) * 257), "addresses"),
        (with_ip(excluded_prefixes=("10.0.0.0",)), "is no prefix"),
        (with_ip(excluded_prefixes=("10.0.0.0/8",) * 4097), "4097 excluded"),
        (with_ip(src_routes=(Route(),)), "is no prefix"),
        (with_ip(dst_routes=(Route("::/0", "10.0.0.1/32"),)), "is no IP address"),
        (with_ip(dst_routes=(Route("::/0"),) * 1025), "routes"),
        (with_ip(ip_neighbors=(IpNeighbor("x"),)), "is no IP address"),
        (with_ip(extra_prefixes=("x",)), "is no prefix"),
        (with_ip(policies=(PolicyRoute("x"),)), "is no IP address"),
        (with_ip(policies=(PolicyRoute(proto="tcp"),)), "no IP protocol"),
        (with_ip(policies=(PolicyRoute(proto="256"),)), "no IP protocol"),
        (with_ip(policies=(PolicyRoute(dst_port="65536"),)), "no ports"),
        (with_ip(policies=(PolicyRoute(src_port="1-2-3"),)), "no ports"),
        (with_ip(policies=(PolicyRoute(src_port="9-1"),)), "no ports"),
        (with_wish(None, 24, 1, 1), "prefix request"),
        (with_wish(IPV4, 33, 1, 1), "prefix request"),
        (with_wish(IPV6, 129, 1, 1), "prefix request"),
        (with_wish(IPV4, 0, 1, 1), "prefix request"),
        (with_wish(IPV4, 24, 0, 1), "prefix request"),
        (with_wish(IPV4, 24, 2, 1), "prefix request"),
    ],
)
def test_what_no_honest_peer_would_send_is_refused(conn: Connection, cause: str) -> None:
    with pytest.raises(Invalid, match=cause) as caught:
        check_connection(conn)
    said = str(caught.value)
    assert said.isprintable()
    assert len(said) < 300


def test_offers_are_bounded_and_checked_too() -> None:
    with pytest.raises(Invalid, match="65 mechanism preferences"):
        check_request(Request(GOOD, (KERNEL,) * 65))
    with pytest.raises(Invalid, match="name an interface"):
        check_request(Request(GOOD, (KERNEL.having(name="all"),)))


def test_a_token_is_never_in_the_complaint() -> None:
    bad = Segment("nsc", token="secret" + "\xff" * 9)
    with pytest.raises(Invalid) as caught:
        check_connection(Connection(path=Path(0, (bad,))))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "selector",
    [
        Selector((Segment(),) * 129),
        Selector(network_services=("s",) * 257),
        Selector(network_services=("\n",)),
        Selector((Segment(id="x" * 257),)),
    ],
)
def test_a_selector_is_bounded(selector: Selector) -> None:
    check_selector(Selector((Segment(id="c0"),), ("svc",)))
    with pytest.raises(Invalid):
        check_selector(selector)
