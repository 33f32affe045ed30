"""What stands in a namespace, one line a thing: the words in which plan and kernel are compared."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from nsm.dataplane.ops import (
    AddAddress,
    AddBridge,
    AddNeighbor,
    AddRoute,
    AddRule,
    AddVeth,
    AddVxlan,
    Op,
    ends_of,
)

LINK, ADDRESS, ROUTE = "interface", "address", "route"
RULE, NEIGHBOR, TABLE = "rule", "neighbour", "nft table"


class Fact(NamedTuple):
    """One thing: in which namespace (its inode), of which kind, which, and on which interface."""

    netns: int
    kind: str
    what: str
    link: str = ""


def facts(ops: Iterable[Op]) -> Iterator[Fact]:
    """What these operations leave behind in the kernel until they are undone.

    Left out is what the kernel forgets by itself, and what it has on every interface anyway.
    """
    for op in ops:
        match op:
            case AddVeth() | AddVxlan() | AddBridge():
                yield from (Fact(e.netns.key.ino, LINK, e.name, e.name) for e in ends_of(op))
            case AddAddress(netns, name, address) if not address.ip.is_link_local:
                yield Fact(netns.key.ino, ADDRESS, str(address), name)
            case AddRoute(netns, name, prefix, _, table):
                yield Fact(netns.key.ino, ROUTE, f"{prefix} in table {table}", name)
            case AddNeighbor(netns, name, ip, _, permanent) if permanent:
                yield Fact(netns.key.ino, NEIGHBOR, str(ip), name)
            case AddRule(netns, version, table):
                yield Fact(netns.key.ino, RULE, f"to table {table} (IPv{version})")
