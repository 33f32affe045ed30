"""Bring a standing vWire up to date, and take one away."""

from collections.abc import Iterable, Mapping

from nsm.dataplane.link import Link
from nsm.dataplane.netns import Netns
from nsm.dataplane.ops import (
    AddAddress,
    AddBridge,
    AddNeighbor,
    AddRoute,
    AddRule,
    AddVeth,
    AddVxlan,
    DelAddress,
    Op,
    SetLink,
    ends_of,
    reverse,
)

DEFAULT_MTU = 1500
"""What a pair has unless it was made with another."""

Seen = Mapping[tuple[Netns, str], Link | None]
"""What `Driver.look` said of each interface of a plan."""


def refresh(wanted: tuple[Op, ...], seen: Seen, before: tuple[Op, ...] = ()) -> tuple[Op, ...]:
    """The ops that turn what is there into what is wanted.

    Addresses nobody wants any more go, as do neighbours, rules and routes that stood in the plan
    `before` (upstream leaves routes: W §2.3). All that is wanted is then said again. New addresses
    come before old ones go: a link without any loses its routes for that moment. Where nobody knows
    any more what stood, and only other addresses did, a link is shaken: down, it loses all else.
    """
    strangers = tuple(_strangers(wanted, seen))
    changing = {(op.netns, op.name) for op in strangers}
    first = (op for op in wanted if isinstance(op, AddAddress) and (op.netns, op.name) in changing)
    gone = dropped(wanted, before) if before else _shaken(wanted, seen, changing)
    mended = _mended(wanted, seen)
    devices = sum(bool(_made(op)) for op in wanted)  # a plan's first ops: are they still ours?
    return (*wanted[:devices], *first, *strangers, *gone, *mended, *wanted[devices:])


def _shaken(
    wanted: tuple[Op, ...], seen: Seen, changing: Iterable[tuple[Netns, str]]
) -> Iterable[SetLink]:
    """What takes everything off links that were another agreement's, but addresses of IPv4.

    One that has a wanted address as well was made for this one, and carries.
    """
    ours = {(op.netns, op.name) for op in wanted if isinstance(op, AddAddress) and _has(seen, op)}
    ends = sorted(set(changing) - ours, key=lambda place: place[1])
    return (SetLink(*place, up=up) for place in ends for up in (False, True))


def _has(seen: Seen, op: AddAddress) -> bool:
    link = seen.get((op.netns, op.name))
    return link is not None and op.address in link.addresses


def undo(ops: tuple[Op, ...]) -> tuple[Op, ...]:
    """What removes a vWire: what stands on a device goes with it and needs no op of its own."""
    made = {place for op in ops for place in _made(op)}
    return tuple(
        op for op in reverse(ops) if (getattr(op, "netns", 0), getattr(op, "name", 0)) not in made
    )


def ends(ops: Iterable[Op]) -> tuple[tuple[Netns, str], ...]:
    """The interfaces a plan makes: what to look at before a refresh."""
    return tuple(place for op in ops for place in _made(op))


def _made(op: Op) -> tuple[tuple[Netns, str], ...]:
    match op:
        case AddVeth(a, b):
            return ((a.netns, a.name), (b.netns, b.name))
        case AddVxlan(end=end) | AddBridge(end):
            return ((end.netns, end.name),)
        case _:
            return ()


def _mended(wanted: tuple[Op, ...], seen: Seen) -> Iterable[SetLink]:
    """What somebody changed of the devices themselves, and their making does not say again."""
    for op in wanted:
        for end in ends_of(op) if isinstance(op, AddVeth | AddVxlan) else ():
            link = seen.get((end.netns, end.name))
            mtu = DEFAULT_MTU if isinstance(op, AddVeth) and not op.mtu else 0
            if link and (link.mac != end.mac or (mtu and link.mtu != mtu)):
                yield SetLink(end.netns, end.name, mtu=mtu, mac=end.mac)


def _strangers(wanted: tuple[Op, ...], seen: Seen) -> Iterable[DelAddress]:
    kept = {(op.netns, op.name, op.address) for op in wanted if isinstance(op, AddAddress)}
    for (netns, name), link in seen.items():
        for address in link.addresses if link else ():
            if (netns, name, address) not in kept:
                yield DelAddress(netns, name, address)


def dropped(wanted: tuple[Op, ...], before: tuple[Op, ...]) -> Iterable[Op]:
    """What removes the neighbours, rules and routes that stood, and are wanted no more."""
    kept = {_said(op) for op in wanted}
    gone = (op for op in before if isinstance(op, AddRule | AddNeighbor | AddRoute))
    return reverse(tuple(op for op in gone if _said(op) not in kept))


def _said(op: Op) -> object:
    """An op, or of a route what another one for the same prefix would replace."""
    return (op.netns, op.table, op.prefix) if isinstance(op, AddRoute) else op
