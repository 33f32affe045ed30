"""An interface as the kernel describes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_interface
from struct import unpack_from

from nsm.dataplane import rtnl
from nsm.dataplane.encode import Interface
from nsm.dataplane.netlink import Answer, Refused, attributes, number


@dataclass(frozen=True, slots=True)
class Link:
    """What is there: `addresses` are those of global scope, `peer` the index of the other end.

    `vni` is a tunnel's, 0 for what is none.
    """

    name: str
    index: int
    kind: str = ""
    mtu: int = 0
    mac: str = ""
    alias: str = ""
    up: bool = False
    group: int = 0
    peer: int = 0
    vni: int = 0
    addresses: tuple[Interface, ...] = ()


def parse(body: bytes) -> Link:
    """Read an RTM_NEWLINK message."""
    found = attributes(body, 16)
    index, flags = unpack_from("=iI", body, 4)
    info = attributes(found.get(rtnl.IFLA_LINKINFO, b""))
    return Link(
        name=_text(found.get(rtnl.IFLA_IFNAME, b"")),
        index=index,
        kind=_text(info.get(rtnl.IFLA_INFO_KIND, b"")),
        mtu=number(found.get(rtnl.IFLA_MTU, b"")),
        mac=found.get(rtnl.IFLA_ADDRESS, b"").hex(":"),
        alias=_text(found.get(rtnl.IFLA_IFALIAS, b"")),
        up=bool(flags & rtnl.IFF_UP),
        group=number(found.get(rtnl.IFLA_GROUP, b"")),
        peer=number(found.get(rtnl.IFLA_LINK, b"")),
        vni=_vni(info),
    )


def _vni(info: Mapping[int, bytes]) -> int:
    if info.get(rtnl.IFLA_INFO_KIND, b"").rstrip(b"\0") != b"vxlan":
        return 0
    data = attributes(info.get(rtnl.IFLA_INFO_DATA, b""))
    return number(data.get(rtnl.IFLA_VXLAN_ID, b""))


def links(answer: Answer) -> tuple[Link, ...]:
    """Every link in an answer; none in a refusal."""
    if isinstance(answer, Refused):
        return ()
    return tuple(parse(body) for kind, body in answer if kind == rtnl.RTM_NEWLINK)


def addresses(answer: Answer, index: int) -> tuple[Interface, ...]:
    """The global addresses of one link, among all."""
    if isinstance(answer, Refused):
        return ()
    return tuple(
        address
        for kind, body in answer
        if kind == rtnl.RTM_NEWADDR and unpack_from("=I", body, 4)[0] == index
        if (address := _address(body)) is not None
    )


def _address(body: bytes) -> Interface | None:
    _, length, _, scope = unpack_from("=BBBB", body)
    found = attributes(body, 8)
    packed = found.get(rtnl.IFA_LOCAL) or found.get(rtnl.IFA_ADDRESS)
    if scope != rtnl.RT_SCOPE_UNIVERSE or not packed:
        return None
    return ip_interface((packed, length))


def _text(raw: bytes) -> str:
    return raw.split(b"\0", 1)[0].decode("utf-8", "replace")
