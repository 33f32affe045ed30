"""What a fault may do to a vWire: the promises, with bounds ten times the goals. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from .drawing import SERVED, Drawn
from .echoes import Seen
from .schedule import CLOCK, CRASH, CUT, DISK, GONE, HELD, TERM, Fault

GENEROUS = 10
"""How many times the goal a busy machine may take; what is measured stands in `make bench`."""
MOVED, RETURNED, CUT_OFF, SWAPPED = 1.0, 1.0, 3.0, 0.1
"""Goals, in seconds of silence: its endpoint is gone and another serves; it is back; its node is
cut off; it moves while its old way still carries."""
WHOLE = 45.0
"""Seconds until everything must be connected again once a fault is over."""
ENDED, LOST_TRACK = (CRASH, HELD, TERM, CLOCK), (TERM, CLOCK, DISK)
"""Faults that end a process, so that vWires to it may move if it serves; and those after which any
may, because whoever was told of an endpoint took its leave, or cannot say."""


@dataclass(frozen=True, slots=True)
class Wire:
    """One vWire as the mesh shows it."""

    workload: str
    interface: str
    service: str
    endpoint: str
    path: tuple[str, ...]
    state: str = "up"
    heals: int = 0

    @property
    def name(self) -> str:
        return f"{self.workload}/{self.interface}"

    @property
    def nodes(self) -> set[str]:
        """The nodes it passes through."""
        return {hop.removeprefix("manager-") for hop in self.path if hop.startswith("manager-")}


@dataclass(frozen=True, slots=True)
class Allowed:
    """Seconds of silence, and why; 0 is not a packet, and the same interface."""

    silence: float
    why: str


UNTOUCHED = Allowed(0.0, "the data plane does not need what was harmed")


def allowed(fault: Fault, wire: Wire, drawn: Drawn) -> Allowed:
    """The most that a fault may do to it."""
    if fault.kind == CUT:
        return _cut(fault, wire, drawn)
    if fault.role == "client" and fault.whom == wire.workload and fault.kind in (TERM, GONE):
        return Allowed(GENEROUS * RETURNED + fault.lasts, "its own client took its leave")
    if fault.role == "endpoint" and fault.whom in wire.path:
        return _endpoint(fault, drawn)
    return UNTOUCHED


def _cut(fault: Fault, wire: Wire, drawn: Drawn) -> Allowed:
    if len(wire.nodes) < 2 or fault.whom not in wire.nodes:
        return UNTOUCHED
    another = GENEROUS * CUT_OFF
    return Allowed(another + fault.lasts, "it leads over what was cut")


def _endpoint(fault: Fault, drawn: Drawn) -> Allowed:
    if fault.kind == GONE:
        if drawn.endpoints[fault.whom]["serves"] == SERVED:
            return Allowed(GENEROUS * MOVED, "another serves the same")
        return Allowed(GENEROUS * RETURNED + fault.lasts, "nobody else serves it")
    return Allowed(0.0, "its interfaces go on answering")


def may_move(fault: Fault, wire: Wire) -> bool:
    """Whether it may lead elsewhere afterwards, though not a packet need be lost."""
    served = fault.role == "endpoint" and fault.whom in wire.path
    return fault.kind in LOST_TRACK or (served and fault.kind in ENDED)


def broken(fault: Fault, wire: Wire, after: Wire, seen: Seen, drawn: Drawn) -> Iterator[str]:
    """Each promise that was not kept, in words."""
    most = allowed(fault, wire, drawn)
    moved = after.endpoint != wire.endpoint or after.heals - wire.heals > 1  # there, and back
    if moved and most.silence == 0 and may_move(fault, wire):
        most = Allowed(GENEROUS * SWAPPED, f"it moved from {wire.endpoint} to {after.endpoint}")
    elif moved and most.silence == 0:
        yield f"{fault}: {wire.name} moved to {after.endpoint}, and {most.why}"
    if seen.silence > most.silence:
        yield (
            f"{fault}: {wire.name} was silent for {seen.silence:.3f} s, {seen.lost} of {seen.sent}"
            f" lost; at most {most.silence:g} s, because {most.why}"
        )
    if most.silence == 0 and seen.lost and not seen.silence:
        yield f"{fault}: {wire.name} lost {seen.lost}"
    if most.silence == 0 and seen.remade:
        yield f"{fault}: the interface of {wire.name} was made anew, and {most.why}"
