"""Policy routes as rules and tables (W §2.3 iprule), in the client's namespace only."""

import hashlib
from collections.abc import Iterator

from nsm.api.context import PolicyRoute, Route
from nsm.dataplane.netns import Netns
from nsm.dataplane.ops import AddRoute, AddRule, Op
from nsm.dataplane.plan.side import Side, Way, interface
from nsm.errors import Invalid

TABLES = 0x6E000000
"""Where our tables begin: 24 bits of a hash follow, so that a plan need not ask what is free."""
HASHED = 0xFFFFFF
EVERYTHING = {4: "0.0.0.0/0", 6: "::/0"}


def policies(key: str, netns: Netns, name: str, side: Side) -> Iterator[Op]:
    """The rules of a connection and the routes of their tables; tables come first."""
    for policy in side.policies:
        for version in _versions(policy, side):
            table = _table(f"{key};{version};{_key(policy)}")
            for way in _ways(policy, side, version):
                yield AddRoute(netns, name, way.prefix, way.gateway, table)
            yield _rule(netns, version, table, policy)


def _rule(netns: Netns, version: int, table: int, policy: PolicyRoute) -> AddRule:
    return AddRule(
        netns,
        version,
        table,
        source=interface(policy.from_).network if policy.from_ else None,
        proto=_proto(policy.proto),
        dst_port=_ports(policy.dst_port),
        src_port=_ports(policy.src_port),
    )


def _ways(policy: PolicyRoute, side: Side, version: int) -> list[Way]:
    wanted = policy.routes or (Route(EVERYTHING[version]),)
    return [way for way in map(side.way, wanted) if way.prefix.version == version]


def _versions(policy: PolicyRoute, side: Side) -> list[int]:
    """The families a policy is about: its source's, else its routes', else the vWire's."""
    if policy.from_:
        return [interface(policy.from_).version]
    named = [interface(route.prefix).version for route in policy.routes]
    return sorted(set(named) or {a.version for a in side.addresses})


def _key(policy: PolicyRoute) -> str:
    return f"{policy.dst_port};{policy.src_port};{policy.from_};{policy.proto}"


def _table(key: str) -> int:
    return TABLES | int.from_bytes(hashlib.sha256(key.encode()).digest()[:3])


def _proto(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and int(text) <= 255):
        raise Invalid(f"{text[:20]!r} is not an IP protocol number")
    return int(text)


def _ports(text: str) -> tuple[int, int] | None:
    if not text:
        return None
    parts = text.split("-")
    numbers = [int(p) for p in parts if p.isascii() and p.isdigit() and len(p) <= 5]
    ends = (numbers[0], numbers[-1]) if len(numbers) == len(parts) <= 2 else (1, 0)
    if not 0 <= ends[0] <= ends[1] <= 65535:
        raise Invalid(f"{text[:20]!r} is not a port or a range of ports")
    return ends
