"""What stands in the kernel that no connection and no plan asks for, and what is missing. Pure."""

from collections.abc import Iterator

from nsm.dataplane.facts import LINK, RULE, TABLE, Fact
from nsm.dataplane.ledger import Tag
from nsm.world.audit import GRACE, Found, Leftover, asked_for, good_until
from nsm.world.claims import Claims


def in_kernel(claims: Claims, found: Found) -> Iterator[Leftover]:
    """Every namespace of the mesh, thing by thing."""
    expected = {Fact(*fact) for fact in claims.wiring}
    built = {
        Fact(b.netns, b.kind, b.what, b.link): (who, b.connection)
        for who, one in found.inventories.items()
        for b in one.built
    }
    needed = asked_for(claims, found)
    for name, census in found.censuses.items():
        claimed = {fact.link for fact in (*expected, *built) if fact.netns == census.netns}
        standing = _kept_by_tags(claims, found, name, claimed)
        for fact in sorted(census.facts - expected - built.keys()):
            if name in claims.guests and not _is_ours(fact, found):
                continue
            until = standing.get(fact.link, 0.0)
            if until != ALWAYS:
                yield _left(claims.mesh, name, fact, found, until)
        here = {fact for fact in (*expected, *built) if fact.netns == census.netns}
        for fact in sorted(here - census.facts):
            who, connection = built.get(fact, ("the plan", ""))
            until = 0.0 if connection in needed else _until(found, who, connection)
            yield _missing(name, fact, who, until)


ALWAYS = float("inf")


def _kept_by_tags(claims: Claims, found: Found, name: str, claimed: set[str]) -> dict[str, float]:
    """By interface that no program claims: until when its tag is good; always, where it is held.

    A forwarder that was restarted knows its connections again when they are asked for again.
    """
    held = {
        Tag.of(hop.id, "").connection
        for one in found.inventories.values()
        for conn in one.connections
        for hop in conn.path
    }
    inode = claims.namespaces[name]
    return {
        link: ALWAYS if tag.connection in held else tag.expires + GRACE
        for (netns, link), tag in found.tags.items()
        if netns == inode and link not in claimed
    }


def _is_ours(fact: Fact, found: Found) -> bool:
    """Whether something in somebody else's namespace is of our making."""
    if fact.kind in (RULE, TABLE):
        return False  # it cannot be told from its owner's
    return (fact.netns, fact.link) in found.tags


def _until(found: Found, who: str, connection: str) -> float:
    """When a program stops believing in what it built."""
    one = found.inventories.get(who)
    return good_until(one).get(connection, 0.0) if one else 0.0


def _left(mesh: str, name: str, fact: Fact, found: Found, until: float) -> Leftover:
    tag = found.tags.get((fact.netns, fact.link))
    on = f" on {fact.link}" if fact.link and fact.kind != LINK else ""
    fix = f"nsm exec -m {mesh} {name} -- ip link del {fact.link}" if fact.link else ""
    return Leftover(
        kind=fact.kind,
        what=fact.what + on,
        where=name,
        whose=tag.connection if tag else "nobody known",
        fix=fix or f"`nsm kill {name} --gone` and `nsm restart {name}`",
        until=until,
    )


def _missing(name: str, fact: Fact, who: str, until: float) -> Leftover:
    on = f" on {fact.link}" if fact.link and fact.kind != LINK else ""
    return Leftover(
        kind=f"missing {fact.kind}",
        what=fact.what + on,
        where=name,
        whose=who,
        fix="it is made again when its vWire is next asked for; else restart its client",
        until=until,
    )
