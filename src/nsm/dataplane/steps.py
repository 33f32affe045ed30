"""From an op to the message that does it, and from the kernel's refusal to a sentence."""

import errno
from collections.abc import Mapping
from dataclasses import dataclass, field

from nsm.dataplane import encode, rtnl
from nsm.dataplane.driver import NameTaken
from nsm.dataplane.encode import CREATE, REPLACE, Match, Message, RouteTo
from nsm.dataplane.netlink import Refused
from nsm.dataplane.netns import Netns
from nsm.dataplane.ops import (
    AddAddress,
    AddNeighbor,
    AddRoute,
    AddRule,
    DelAddress,
    DelNeighbor,
    DelRoute,
    DelRule,
    Op,
    SetLink,
)
from nsm.errors import Denied, Invalid, NotFound, NsmError, Unsupported
from nsm.nouns import replace

Setting = (
    SetLink | AddAddress | DelAddress | AddRoute | DelRoute | AddNeighbor | DelNeighbor
    | AddRule | DelRule
)  # fmt: skip
"""An op that is one message to one namespace."""

Indices = Mapping[tuple[Netns, str], int]

GONE = frozenset({errno.ENODEV, errno.ESRCH, errno.ENOENT, errno.EADDRNOTAVAIL})


@dataclass(frozen=True, slots=True)
class Step:
    """A message, and what to send instead where the kernel refuses it with a certain errno."""

    message: Message
    instead: Mapping[int, Message] = field(default_factory=dict)
    removes: bool = False

    def settled(self, refused: Refused) -> bool:
        """Whether a refusal only says that things are already so."""
        return refused.code in GONE if self.removes else refused.code == errno.EEXIST


def mac(text: str) -> bytes:
    """Six bytes of a hardware address; Invalid for anything else."""
    try:
        packed = bytes.fromhex(text.replace(":", "").replace("-", ""))
    except ValueError:
        packed = b""
    if len(packed) != 6 or packed[0] & 1:
        raise Invalid(f"{text[:40]!r} is no hardware address of one interface")
    return packed


def names(op: Setting) -> tuple[tuple[Netns, str], ...]:
    """The interfaces whose indices `step` needs to know."""
    match op:
        case AddRule() | DelRule():
            return ()
        case SetLink(netns=netns, name=name, master=master) if master:
            return ((netns, name), (netns, master))
        case _:
            return ((op.netns, op.name),)


def place(op: Setting) -> Netns:
    """The namespace an op is for."""
    return op.rule.netns if isinstance(op, DelRule) else op.netns


def step(op: Setting, index: Indices) -> Step:
    """The message for an op."""
    match op:
        case AddAddress() | DelAddress():
            return _address(op, index)
        case AddRoute() | DelRoute():
            return _route(op, index)
        case AddNeighbor() | DelNeighbor():
            return _neighbor(op, index)
        case AddRule() | DelRule():
            return _rule(op)
        case SetLink():
            return Step(_set_link(op, index))


def _set_link(op: SetLink, index: Indices) -> Message:
    changes = [
        encode.number(rtnl.IFLA_MTU, op.mtu) if op.mtu else b"",
        encode.attribute(rtnl.IFLA_IFALIAS, op.alias.encode()) if op.alias else b"",
        encode.number(rtnl.IFLA_MASTER, index[op.netns, op.master]) if op.master else b"",
        encode.attribute(rtnl.IFLA_ADDRESS, mac(op.mac)) if op.mac else b"",
    ]
    return encode.set_link(index[op.netns, op.name], *changes, up=op.up)


def _address(op: AddAddress | DelAddress, index: Indices) -> Step:
    at = index[op.netns, op.name]
    if isinstance(op, DelAddress):
        return Step(encode.delete_address(at, op.address), removes=True)
    return Step(encode.new_address(at, op.address))


def _route(op: AddRoute | DelRoute, index: Indices) -> Step:
    """A passthrough holds both ends' addresses, and no gateway may be one's own: leave it out."""
    to = RouteTo(op.prefix, index[op.netns, op.name], op.gateway, op.table)
    if isinstance(op, DelRoute):
        return Step(encode.delete_route(to), removes=True)
    instead = {errno.EEXIST: encode.new_route(REPLACE, to)}
    if op.gateway:
        instead[errno.EINVAL] = encode.new_route(REPLACE, replace(to, gateway=None))
    return Step(encode.new_route(CREATE, to), instead)


def _neighbor(op: AddNeighbor | DelNeighbor, index: Indices) -> Step:
    at = index[op.netns, op.name]
    if isinstance(op, DelNeighbor):
        return Step(encode.neighbor(rtnl.RTM_DELNEIGH, 0, at, op.ip, b"", 0), removes=True)
    state = rtnl.NUD_PERMANENT if op.permanent else rtnl.NUD_REACHABLE
    known = (at, op.ip, mac(op.mac), state)
    return Step(
        encode.neighbor(rtnl.RTM_NEWNEIGH, CREATE, *known),
        {errno.EEXIST: encode.neighbor(rtnl.RTM_NEWNEIGH, REPLACE, *known)},
    )


def _rule(op: AddRule | DelRule) -> Step:
    rule = op.rule if isinstance(op, DelRule) else op
    match = Match(rule.version, rule.table, rule.source, rule.proto, rule.dst_port, rule.src_port)
    if isinstance(op, DelRule):
        return Step(encode.rule(rtnl.RTM_DELRULE, 0, match), removes=True)
    return Step(encode.rule(rtnl.RTM_NEWRULE, CREATE, match))


def refusal(op: Op, refused: Refused) -> NsmError:
    """The failure a peer or user sees for what the kernel refused."""
    cause = f"cannot {op}: {refused}"
    kinds: dict[int, tuple[type[NsmError], str]] = {
        errno.EPERM: (Denied, "run as root, or with CAP_NET_ADMIN in both namespaces"),
        errno.EACCES: (Denied, "IPv6 is switched off there: allow disable_ipv6 to be written"),
        errno.EOPNOTSUPP: (Unsupported, "this kernel lacks it; `nsm check` says what is missing"),
        errno.EAFNOSUPPORT: (Unsupported, "this kernel was started without that address family"),
        errno.EPROTONOSUPPORT: (Unsupported, "this kernel lacks it; `nsm check` says what"),
        errno.ENODEV: (NotFound, "the interface has gone; ask again"),
        errno.EEXIST: (NameTaken, "choose another interface name, or remove what has it"),
        errno.EINVAL: (Invalid, ""),
        errno.ENETUNREACH: (Invalid, ""),
        errno.EHOSTUNREACH: (Invalid, ""),
        errno.ERANGE: (Invalid, ""),
        errno.EADDRNOTAVAIL: (Invalid, ""),
    }
    kind, fix = kinds.get(refused.code, (NsmError, ""))
    return kind(cause, fix=fix)
