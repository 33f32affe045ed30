"""Build a vWire beside the one that stands, then let it take that one's place."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from nsm.dataplane.encode import Interface
from nsm.dataplane.netns import Netns
from nsm.dataplane.ops import (
    AddAddress,
    AddNeighbor,
    AddRoute,
    AddRule,
    AddVeth,
    AddVxlan,
    DelAddress,
    DelRule,
    LinkEnd,
    Op,
    TakeName,
)
from nsm.dataplane.plan.again import dropped, ends, undo
from nsm.nouns import replace

Place = tuple[Netns, str]
COMING, GOING = "+", "-"
"""How the names begin of what is to take another's place, and of what has left it."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What to do in turn: `build` while the old one carries, `switch` to the new one.

    `back` undoes both where they fail half way. Then `shed` takes from the old one what would still
    lead packets to it that are meant for the new one, and `rest` removes what is left of it, once
    nobody needs it.
    """

    build: tuple[Op, ...]
    switch: tuple[Op, ...]
    back: tuple[Op, ...]
    shed: tuple[Op, ...]
    rest: tuple[Op, ...]


def beside(before: tuple[Op, ...], wanted: tuple[Op, ...]) -> Beside:
    """The ops that put `wanted` in the place of `before`.

    Where both want the same name in the same namespace, the new one is built under another. Its
    routes take the place of the old ones', one by one, when all else is there; then its name does,
    and the old one carries on under a third for as long as somebody may still use it.
    """
    clashing = frozenset(ends(before)) & frozenset(ends(wanted))
    coming = {place: _sign(COMING, place[1]) for place in clashing}
    going = {place: leaving(place[1]) for place in clashing}
    named = tuple(_under_other_name(op, coming) for op in wanted)
    meanwhile = {(netns, other) for (netns, _), other in coming.items()}
    leading = tuple(op for op in named if _leads(op, meanwhile))
    build = tuple(op for op in named if op not in leading)
    taking = tuple(
        TakeName(end, name, going[netns, name])
        for op in named
        for end in _made(op)
        for (netns, name), other in coming.items()
        if (end.netns, end.name) == (netns, other)
    )
    over = (op for op in dropped(wanted, before) if isinstance(op, DelRule))
    return Beside(
        build=build,
        switch=(*leading, *taking, *over, *wanted) if clashing else (),
        back=(*undo(build), *before),
        shed=tuple(_shed(before, wanted, going)),
        rest=undo(
            tuple(_under_other_name(op, going) for op in before if not clashing or _made(op))
        ),
    )


def leaving(name: str) -> str:
    """What an interface is called that had that name, while it carries what is left."""
    return _sign(GOING, name)


def is_going(name: str) -> bool:
    """Whether an interface of ours has only its last packets to carry."""
    return name.startswith(GOING)


def _shed(
    before: tuple[Op, ...], wanted: tuple[Op, ...], going: Mapping[Place, str]
) -> Iterator[DelAddress]:
    """Addresses that the new one has as well, or whose prefix takes in one of the new one's."""
    fresh = [op for op in wanted if isinstance(op, AddAddress)]
    for op in before:
        if isinstance(op, AddAddress) and (place := (op.netns, op.name)) in going:
            same = (f.address for f in fresh if (f.netns, f.name) == place)
            if any(_overlap(op.address, address) for address in same):
                yield DelAddress(op.netns, going[place], op.address)


def _overlap(a: Interface, b: Interface) -> bool:
    return a.version == b.version and a.network.overlaps(b.network)


def _leads(op: Op, meanwhile: set[Place]) -> bool:
    """Whether it leads packets into an end that is not yet to have them."""
    if isinstance(op, AddRule):
        return any(op.netns == netns for netns, _ in meanwhile)
    return isinstance(op, AddRoute) and (op.netns, op.name) in meanwhile


def _made(op: Op) -> tuple[LinkEnd, ...]:
    match op:
        case AddVeth(a, b):
            return (a, b)
        case AddVxlan(end=end):
            return (end,)
        case _:
            return ()


def _under_other_name(op: Op, names: Mapping[Place, str]) -> Op:
    match op:
        case AddVeth(a, b):
            return replace(op, a=_end(a, names), b=_end(b, names))
        case AddVxlan(end=end):
            return replace(op, end=_end(end, names))
        case AddAddress() | AddRoute() | AddNeighbor():
            return replace(op, name=names.get((op.netns, op.name), op.name))
        case _:
            return op


def _end(end: LinkEnd, names: Mapping[Place, str]) -> LinkEnd:
    return replace(end, name=names.get((end.netns, end.name), end.name))


def _sign(sign: str, name: str) -> str:
    """What an interface is called before it has that name, or after: always the same."""
    return sign + hashlib.sha256(name.encode()).hexdigest()[:12]
