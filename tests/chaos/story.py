"""What chaos did, and what came of it: for people as a timeline, for programs as JSON."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from .drawing import Drawn
from .echoes import Seen
from .promises import Allowed, Wire
from .schedule import Fault

Json = dict[str, Any]


@dataclass(frozen=True)
class Felt:
    """What a vWire felt of a fault: before, after, and what its echoes saw."""

    before: Wire
    after: Wire
    seen: Seen
    most: Allowed
    healed: Json | None = None
    """What its client says of the last time it healed, if that was now."""

    def line(self, since: float) -> str:
        """For people."""
        seen = self.seen
        told = f"nothing lost of {seen.sent}"
        if seen.lost:
            back = "" if seen.until is None else f" until +{seen.until - since:.2f} s"
            told = (
                f"silent for {seen.silence:.3f} s, from +{(seen.since or 0) - since:.2f} s{back},"
                f" {seen.lost} of {seen.sent} lost"
            )
        if self.after.endpoint != self.before.endpoint:
            told += f"; from {self.before.endpoint} to {self.after.endpoint}"
        if self.healed:
            told += f"; {told_of(self.healed)}"
        if seen.remade:
            told += "; interface made anew"
        return f"{self.before.name}: {told}"


def told_of(healed: Json) -> str:
    """What a client says of a heal."""
    died = f"{healed['died']} died, " if healed["died"] else ""
    when = "not carried again" if healed["ms"] is None else f"again after {healed['ms']:.0f} ms"
    return f"{died}{healed['noticed']}, {when}"


@dataclass
class Happening:
    """A fault, when it was (seconds since the story began), and what came of it."""

    at: float
    fault: Fault
    since: float
    whole_after: float = 0.0
    lacking: list[str] = field(default_factory=list)
    felt: list[Felt] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """For people."""
        yield f"{self.at:7.1f} s  {self.fault}"
        quiet = [one for one in self.felt if one.line(0).endswith(f"lost of {one.seen.sent}")]
        for one in self.felt:
            if one not in quiet:
                yield f"{'':11}{one.line(self.since)}"
        if quiet:
            sent = sum(one.seen.sent for one in quiet)
            yield f"{'':11}{len(quiet)} vWires felt nothing: none of {sent} lost"
        if self.lacking:
            yield f"{'':11}not whole again: {', '.join(self.lacking)}"
        else:
            yield f"{'':11}whole again {self.whole_after:.1f} s after it was over"
        yield from (f"{'':11}BROKEN {one}" for one in self.broken)


@dataclass
class Story:
    """One run."""

    drawn: Drawn
    minutes: float
    up_after: float = 0.0
    happenings: list[Happening] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    failure: str = ""

    @property
    def broken(self) -> list[str]:
        """Everything that was promised and not kept."""
        found = [one for happening in self.happenings for one in happening.broken]
        found += [
            f"{one.fault}: not whole again: {', '.join(one.lacking)}"
            for one in self.happenings
            if one.lacking
        ]
        found += [f"left over: {one}" for one in self.left]
        return found + [self.failure] * bool(self.failure)

    def ending(self) -> Iterator[str]:
        """The last lines."""
        silences = [one.seen.silence for done in self.happenings for one in done.felt]
        sent = sum(one.seen.sent for done in self.happenings for one in done.felt)
        lost = sum(one.seen.lost for done in self.happenings for one in done.felt)
        yield (
            f"seed {self.drawn.seed}: {len(self.happenings)} faults, {lost} of {sent} echoes lost,"
            f" longest silence {max(silences, default=0):.2f} s"
        )
        yield from self.waiting
        yield from (f"BROKEN {one}" for one in self.broken)
        yield "every promise was kept" if not self.broken else f"{len(self.broken)} promises broken"

    def json(self) -> Json:
        """For programs."""
        drawn = self.drawn
        return {
            "seed": drawn.seed,
            "minutes": self.minutes,
            "world": {
                "nodes": list(drawn.nodes),
                "endpoints": {name: dict(one) for name, one in drawn.endpoints.items()},
                "workloads": {name: dict(one) for name, one in drawn.workloads.items()},
                "spacing": dict(drawn.spacing),
            },
            "up_after": round(self.up_after, 3),
            "faults": [asdict(one) for one in self.happenings],
            "left": self.left,
            "waiting": self.waiting,
            "broken": self.broken,
        }
