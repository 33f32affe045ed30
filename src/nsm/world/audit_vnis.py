"""The VNIs that forwarders hold, against the tunnels there are in the kernel. Pure."""

from collections.abc import Iterator, Set

from nsm.dataplane.facts import LINK
from nsm.dataplane.ledger import Tag
from nsm.dataplane.plan import ENDPOINT
from nsm.program.inventory import Inventory
from nsm.world.audit import Found, Leftover, good_until

KIND = "VNI"
Tunnel = tuple[str, int]
"""Whose it is, as tags name a connection, and its VNI."""


def vnis(found: Found) -> Iterator[Leftover]:
    """Held without a tunnel that has them, and not held though a tunnel does.

    The side that accepts a tunnel chooses its VNI, and so holds it; the other does not.
    """
    numbers = {
        (census.netns, link.name): link.vni
        for census in found.censuses.values()
        for link in census.links.values()
        if link.vni
    }
    for who, one in found.inventories.items():
        held = {(holder.split(" ")[0], vni) for holder, vni in one.vnis}
        yield from _idle(who, one, held - _tunnels(who, one, found, numbers))
        yield from _missing(who, one, found, numbers, held)


def _tunnels(
    who: str, one: Inventory, found: Found, numbers: dict[tuple[int, str], int]
) -> Set[Tunnel]:
    """Those that a forwarder built in this life, and those that an earlier one of it did."""
    built = {
        (Tag.of(b.connection, "").connection, numbers.get((b.netns, b.link), 0))
        for b in one.built
        if b.kind == LINK
    }
    tagged = {
        (tag.connection, numbers.get(place, 0))
        for place, tag in found.tags.items()
        if tag.writer == who
    }
    return built | tagged


def _idle(who: str, one: Inventory, held: Set[Tunnel]) -> Iterator[Leftover]:
    """What is held for nothing; a connection whose tunnel is gone ends when its time is up."""
    ends = {Tag.of(id, "").connection: until for id, until in good_until(one).items()}
    for holder, vni in sorted(held):
        yield Leftover(
            kind=KIND,
            what=f"{vni}, held for {holder}, which has no such tunnel",
            where=who,
            whose=holder,
            fix=f"`nsm restart {who}`, and please report it",
            until=ends.get(holder, 0.0),
        )


def _missing(
    who: str,
    one: Inventory,
    found: Found,
    numbers: dict[tuple[int, str], int],
    held: Set[Tunnel],
) -> Iterator[Leftover]:
    """What another connection could be given, too, so that neither would be carried."""
    served = {Tag.of(conn.id, "").connection for conn in one.connections}
    for place, tag in sorted(found.tags.items()):
        vni = numbers.get(place, 0)
        ours = tag.writer == who and tag.role == ENDPOINT and tag.connection in served
        if vni and ours and (tag.connection, vni) not in held:
            yield Leftover(
                kind=f"missing {KIND}",
                what=f"{vni} of {place[1]}, which {who} does not hold",
                where=who,
                whose=tag.connection,
                fix=f"`nsm restart {who}`, and please report it",
            )
