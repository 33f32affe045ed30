"""Our messages say what pyroute2 would have said."""

import struct
from ipaddress import ip_address, ip_interface, ip_network

import pytest
from pyroute2.netlink.rtnl.fibmsg import fibmsg
from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from pyroute2.netlink.rtnl.ndmsg import ndmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from nsm.dataplane import encode, rtnl
from nsm.dataplane.encode import CREATE, REPLACE, Match, NewEnd, RouteTo, Tunnel
from nsm.dataplane.netlink import _split, _verdict, attributes

A = NewEnd("nsm-1", 1001, 5, bytes.fromhex("020000000001"), 7)
B = NewEnd("nsm-2", 1002, 6, bytes.fromhex("020000000002"), 7)


def heard(kind, message):
    """A message of ours as pyroute2 hears it."""
    data = message.numbered(9)
    assert len(data) % 4 == 0
    found = kind(data)
    found.decode()
    return plain(found)


def said(kind, type, flags, fields, attrs):
    """The same message as pyroute2 says it, and hears it again."""
    message = kind()
    for name, value in fields.items():
        message[name] = value
    message["attrs"] = attrs
    message["header"].update(type=type, flags=flags | rtnl.NLM_F_REQUEST, sequence_number=9)
    message.encode()
    again = kind(bytes(message.data))
    again.decode()
    return plain(again)


def plain(message):
    """Attributes as dictionaries, without the flags that only say "nested"."""
    if isinstance(message, dict):
        inner = {k: plain(v) for k, v in message.items() if k != "attrs"}
        return {**inner, **{a[0]: plain(a[1]) for a in message.get("attrs", ())}}
    return message


def end(e):
    return [
        ("IFLA_IFNAME", e.name),
        ("IFLA_NET_NS_FD", e.netns_fd),
        ("IFLA_GROUP", e.group),
        ("IFLA_MTU", 1400),
        ("IFLA_ADDRESS", e.mac.hex(":")),
    ]


def test_a_veth_pair() -> None:
    peer = {"index": 1002, "attrs": end(B)}
    info = [
        ("IFLA_INFO_KIND", "veth"),
        ("IFLA_INFO_DATA", {"attrs": [("VETH_INFO_PEER", peer)]}),
    ]
    assert heard(ifinfmsg, encode.new_veth(A, B, 1400)) == said(
        ifinfmsg,
        rtnl.RTM_NEWLINK,
        CREATE | rtnl.NLM_F_ACK,
        {"index": 1001, "flags": 1, "change": 1},
        [*end(A), ("IFLA_LINKINFO", {"attrs": info})],
    )


@pytest.mark.parametrize(
    ("local", "remote", "names"),
    [
        ("100.64.0.1", "100.64.0.2", ("IFLA_VXLAN_LOCAL", "IFLA_VXLAN_GROUP")),
        ("fd00::1", "fd00::2", ("IFLA_VXLAN_LOCAL6", "IFLA_VXLAN_GROUP6")),
    ],
)
def test_a_vxlan(local, remote, names) -> None:
    data = [
        ("IFLA_VXLAN_ID", 42),
        (names[1], remote),
        (names[0], local),
        ("IFLA_VXLAN_PORT", 4789),
        ("IFLA_VXLAN_LEARNING", 0),
    ]
    info = [("IFLA_INFO_KIND", "vxlan"), ("IFLA_INFO_DATA", {"attrs": data})]
    tunnel = Tunnel(42, ip_address(local), ip_address(remote), 4789)
    assert heard(ifinfmsg, encode.new_vxlan(A, tunnel, 1400)) == said(
        ifinfmsg,
        rtnl.RTM_NEWLINK,
        CREATE | rtnl.NLM_F_ACK,
        {"index": 1001, "flags": 1, "change": 1},
        [*end(A), ("IFLA_LINKINFO", {"attrs": info})],
    )


@pytest.mark.parametrize(("text", "flags"), [("10.0.0.1/24", 0x80), ("2001:db8::1/128", 0x82)])
def test_an_address(text, flags) -> None:
    address = ip_interface(text)
    fields = {
        "family": encode.FAMILY[address.version],
        "prefixlen": address.network.prefixlen,
        "flags": flags,
        "index": 7,
    }
    attrs = [("IFA_LOCAL", str(address.ip)), ("IFA_ADDRESS", str(address.ip)), ("IFA_FLAGS", flags)]
    for type, extra, message in (
        (rtnl.RTM_NEWADDR, CREATE, encode.new_address(7, address)),
        (rtnl.RTM_DELADDR, 0, encode.delete_address(7, address)),
    ):
        assert heard(ifaddrmsg, message) == said(
            ifaddrmsg, type, extra | rtnl.NLM_F_ACK, fields, attrs
        )


@pytest.mark.parametrize(
    ("prefix", "gateway", "table"),
    [("10.0.0.0/8", "172.16.1.0", 254), ("2001:db8::/64", None, 254), ("::/0", "fd00::1", 9999)],
)
def test_a_route(prefix, gateway, table) -> None:
    net = ip_network(prefix)
    via = ip_address(gateway) if gateway else None
    fields = {
        "family": encode.FAMILY[net.version],
        "dst_len": net.prefixlen,
        "table": table if table < 256 else 0,
        "proto": 4,
        "scope": 0 if gateway else 253,
        "type": 1,
        "flags": 4 if gateway else 0,
    }
    attrs = [
        ("RTA_DST", str(net.network_address)),
        ("RTA_OIF", 7),
        *([("RTA_GATEWAY", gateway)] if gateway else []),
        ("RTA_TABLE", table),
    ]
    message = encode.new_route(REPLACE, RouteTo(net, 7, via, table))
    assert heard(rtmsg, message) == said(
        rtmsg, rtnl.RTM_NEWROUTE, REPLACE | rtnl.NLM_F_ACK, fields, attrs
    )


@pytest.mark.parametrize("ip", ["10.0.0.1", "2001:db8::1"])
def test_a_neighbour(ip) -> None:
    address = ip_address(ip)
    message = encode.neighbor(rtnl.RTM_NEWNEIGH, REPLACE, 7, address, A.mac, rtnl.NUD_PERMANENT)
    assert heard(ndmsg, message) == said(
        ndmsg,
        rtnl.RTM_NEWNEIGH,
        REPLACE | rtnl.NLM_F_ACK,
        {"family": encode.FAMILY[address.version], "ifindex": 7, "state": 0x80},
        [("NDA_DST", ip), ("NDA_LLADDR", A.mac.hex(":"))],
    )


def test_a_rule() -> None:
    match = Match(4, 1000, ip_network("10.0.0.0/8"), 6, (80, 90), (1, 2))
    attrs = [
        ("FRA_PRIORITY", 30000),
        ("FRA_TABLE", 1000),
        ("FRA_SRC", "10.0.0.0"),
        ("FRA_IP_PROTO", 6),
        ("FRA_SPORT_RANGE", "1:2"),
        ("FRA_DPORT_RANGE", "80:90"),
    ]
    assert heard(fibmsg, encode.rule(rtnl.RTM_NEWRULE, CREATE, match)) == said(
        fibmsg,
        rtnl.RTM_NEWRULE,
        CREATE | rtnl.NLM_F_ACK,
        {"family": 2, "src_len": 8, "action": 1},
        attrs,
    )


def test_links_are_changed_found_and_deleted() -> None:
    changed = encode.set_link(7, encode.number(rtnl.IFLA_MTU, 1300), up=False)
    assert heard(ifinfmsg, changed) == said(
        ifinfmsg,
        rtnl.RTM_SETLINK,
        rtnl.NLM_F_ACK,
        {"index": 7, "flags": 0, "change": 1},
        [("IFLA_MTU", 1300)],
    )
    assert heard(ifinfmsg, encode.get_link("nsm-1"))["IFLA_IFNAME"] == "nsm-1"
    assert heard(ifinfmsg, encode.delete_link(7))["index"] == 7
    assert heard(ifinfmsg, encode.delete_group(9))["IFLA_GROUP"] == 9


def test_a_refusal_is_told_in_the_kernels_words() -> None:
    words = encode.text(rtnl.NLMSGERR_ATTR_MSG, "no such thing")
    echo = struct.pack("=IHHII", 40, 16, 5, 3, 0) + b"x" * 24
    for flags, body in (
        (rtnl.NLM_F_CAPPED | rtnl.NLM_F_ACK_TLVS, echo[:16]),
        (rtnl.NLM_F_ACK_TLVS, echo),
    ):
        payload = struct.pack("=i", -17) + body + words
        data = struct.pack("=IHHII", 16 + len(payload), 2, flags, 3, 0) + payload
        ((kind, sequence, raw),) = _split(data)
        assert (kind, sequence) == (2, 3)
        refused = _verdict(raw)
        assert refused is not None
        assert (refused.code, str(refused)) == (17, "no such thing")


def test_attributes_that_are_cut_off_are_left_out() -> None:
    whole = encode.number(3, 1) + encode.text(4, "abc")
    assert attributes(whole)[4] == b"abc\0"
    for length in range(len(whole)):
        assert set(attributes(whole[:length])) <= {3, 4}
    assert attributes(b"\x00\x00\x01\x00") == {}
