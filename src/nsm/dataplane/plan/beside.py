"""Build a vWire beside the one that stands, then let it take that one's place."""

import hashlib
from dataclasses import dataclass, replace

from nsm.dataplane.netns import Netns
from nsm.dataplane.ops import (
    AddAddress,
    AddNeighbor,
    AddRoute,
    AddRule,
    AddVeth,
    AddVxlan,
    DelRule,
    LinkEnd,
    Op,
    TakeName,
)
from nsm.dataplane.plan.again import dropped, ends, undo

Place = tuple[Netns, str]


@dataclass(frozen=True, slots=True)
class Beside:
    """What to do in turn: `build` while the old one carries, `switch` to the new one.

    `back` undoes both where they fail half way; `rest` removes what then is left of the old one,
    once nobody needs it.
    """

    build: tuple[Op, ...]
    switch: tuple[Op, ...]
    back: tuple[Op, ...]
    rest: tuple[Op, ...]


def beside(before: tuple[Op, ...], wanted: tuple[Op, ...]) -> Beside:
    """The ops that put `wanted` in the place of `before`.

    Where both want the same name in the same namespace, the new one is built under another. Its
    routes take the place of the old ones', one by one, when all else is there.
    """
    clashing = frozenset(ends(before)) & frozenset(ends(wanted))
    named = tuple(_under_other_name(op, clashing) for op in wanted)
    meanwhile = {(netns, _other(name)) for netns, name in clashing}
    leading = tuple(op for op in named if _leads(op, meanwhile))
    build = tuple(op for op in named if op not in leading)
    taking = tuple(
        TakeName(end, name)
        for op in named
        for end in _made(op)
        for netns, name in clashing
        if (end.netns, end.name) == (netns, _other(name))
    )
    over = (op for op in dropped(wanted, before) if isinstance(op, DelRule))
    return Beside(
        build=build,
        switch=(*leading, *taking, *over, *wanted) if clashing else (),
        back=(*undo(build), *before),
        rest=() if clashing else undo(before),
    )


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


def _under_other_name(op: Op, clashing: frozenset[Place]) -> Op:
    match op:
        case AddVeth(a, b):
            return replace(op, a=_end(a, clashing), b=_end(b, clashing))
        case AddVxlan(end=end):
            return replace(op, end=_end(end, clashing))
        case AddAddress() | AddRoute() | AddNeighbor() if (op.netns, op.name) in clashing:
            return replace(op, name=_other(op.name))
        case _:
            return op


def _end(end: LinkEnd, clashing: frozenset[Place]) -> LinkEnd:
    return replace(end, name=_other(end.name)) if (end.netns, end.name) in clashing else end


def _other(name: str) -> str:
    """What an interface is called until it takes that name: always the same, so as to be found."""
    return "+" + hashlib.sha256(name.encode()).hexdigest()[:12]
