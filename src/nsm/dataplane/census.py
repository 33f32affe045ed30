"""Everything of the kinds we make that stands in a namespace, whoever made it."""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from nsm.dataplane import encode, link, nft, rtnl
from nsm.dataplane.facts import ADDRESS, LINK, NEIGHBOR, ROUTE, RULE, TABLE, Fact
from nsm.dataplane.link import Link
from nsm.dataplane.netlink import Netlink, attributes, number
from nsm.dataplane.netns import Netns, standing_in
from nsm.errors import NsmError

VERSIONS = {2: 4, 10: 6}
"""IP versions by address family."""


@dataclass(frozen=True, slots=True)
class Census:
    """A namespace: what stands in it, and its interfaces by name, which say whose they are."""

    netns: int
    facts: frozenset[Fact]
    links: dict[str, Link]


def census(netns: Netns) -> Census:
    """Take it; for worker threads, and never on the loop's own."""
    with standing_in(netns):
        with Netlink() as kernel:
            links = [one for one in link.links(kernel.ask(encode.get_links())) if one.name != "lo"]
            found = frozenset(_facts(netns.key.ino, kernel, links))
        tables = frozenset(Fact(netns.key.ino, TABLE, name) for name in _tables())
    return Census(netns.key.ino, found | tables, {one.name: one for one in links})


def _facts(netns: int, kernel: Netlink, links: Iterable[Link]) -> Iterator[Fact]:
    names = {one.index: one.name for one in links}
    addresses = kernel.ask(encode.get_addresses())
    for index, name in names.items():
        yield Fact(netns, LINK, name, name)
        yield from (Fact(netns, ADDRESS, str(a), name) for a in link.addresses(addresses, index))
    for body in kernel.dump(rtnl.RTM_GETROUTE):
        yield from _route(netns, body, names)
    for body in kernel.dump(rtnl.RTM_GETNEIGH):
        yield from _neighbor(netns, body, names)
    for body in kernel.dump(rtnl.RTM_GETRULE):
        yield from _rule(netns, body)


def _route(netns: int, body: bytes, names: dict[int, str]) -> Iterator[Fact]:
    """A route that somebody set; those that come with an address go with it."""
    family, length, _, _, small, protocol = struct.unpack_from("=6B", body)
    found = attributes(body, 12)
    name = names.get(number(found.get(rtnl.RTA_OIF, b"")))
    if protocol != rtnl.RTPROT_STATIC or family not in VERSIONS or name is None:
        return
    table = number(found.get(rtnl.RTA_TABLE, b"")) or small
    packed = found.get(rtnl.RTA_DST) or bytes(4 if VERSIONS[family] == 4 else 16)
    yield Fact(netns, ROUTE, f"{ip_network((packed, length))} in table {table}", name)


def _neighbor(netns: int, body: bytes, names: dict[int, str]) -> Iterator[Fact]:
    """A neighbour that is known for good."""
    index, state = struct.unpack_from("=iH", body, 4)
    found = attributes(body, 12)
    if state & rtnl.NUD_PERMANENT and index in names and rtnl.NDA_DST in found:
        yield Fact(netns, NEIGHBOR, str(ip_address(found[rtnl.NDA_DST])), names[index])


def _rule(netns: int, body: bytes) -> Iterator[Fact]:
    found = attributes(body, 12)
    if number(found.get(rtnl.FRA_PRIORITY, b"")) == encode.RULE_PRIORITY and body[0] in VERSIONS:
        table = number(found.get(rtnl.FRA_TABLE, b"")) or body[4]
        yield Fact(netns, RULE, f"to table {table} (IPv{VERSIONS[body[0]]})")


def _tables() -> list[str]:
    """The nft tables of ours, where nft can be asked."""
    try:
        said = nft.ask("list tables netdev")
    except NsmError:
        return []
    return [line.split()[-1] for line in said.splitlines() if line.split()[-1].startswith("nsm_")]
