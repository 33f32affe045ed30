"""The faults that a seed decides, one after the other, for as long as anybody asks. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from .drawing import Drawn

CRASH, HELD, TERM, STOP, GONE = "crash", "held", "term", "stop", "gone"
CUT, DISK, CLOCK, STORM = "cut", "disk", "clock", "storm"
WAYS = ("link", "both", "in", "out")
"""How a node is cut off: its cable, or its packets dropped both ways or one way."""
MEANING = {
    CRASH: "killed, and started again by its supervisor",
    HELD: "killed, and kept from coming back for a while",
    TERM: "told to end",
    STOP: "stopped, and let go on",
    GONE: "killed, and its namespace with it",
    CUT: "cut off from the other nodes",
    DISK: "given a store whose disk is full",
    CLOCK: "started again under a clock that is wrong",
    STORM: "everything that controls is killed at once",
}
SHARES = {CRASH: 5, HELD: 3, TERM: 2, STOP: 3, GONE: 4, CUT: 4, DISK: 1, CLOCK: 1, STORM: 1}
"""How often each comes, against the others."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to whom: for `lasts` seconds, or at once where it mends itself."""

    kind: str
    whom: str
    role: str
    lasts: float = 0.0
    how: str = ""
    """The way of a cut, or the seconds a clock is wrong."""

    def __str__(self) -> str:
        how = f" ({self.how})" if self.how else ""
        lasts = f" for {self.lasts:.1f} s" if self.lasts else ""
        return f"{self.whom}: {MEANING[self.kind]}{how}{lasts}"


def programs(drawn: Drawn) -> dict[str, str]:
    """Every program of the mesh, by the name `nsm kill` knows it by, with what it is."""
    return {
        "registry": "registry",
        "identity": "identity",
        **dict.fromkeys(drawn.nodes, "node"),
        **dict.fromkeys(drawn.endpoints, "endpoint"),
        **dict.fromkeys(drawn.workloads, "client"),
    }


def faults(drawn: Drawn) -> Iterator[Fault]:
    """Every kind comes once before any comes twice; then as their shares have it."""
    chance = Random(f"faults {drawn.seed}")
    first = list(SHARES)
    chance.shuffle(first)
    for kind in first:
        yield fault(kind, drawn, chance)
    while True:
        kind = chance.choices(list(SHARES), list(SHARES.values()))[0]
        yield fault(kind, drawn, chance)


def fault(kind: str, drawn: Drawn, chance: Random) -> Fault:
    """One of a kind: whom it meets, how, and for how long."""
    roles = programs(drawn)
    if kind == GONE:
        roles = {who: role for who, role in roles.items() if role in ("endpoint", "client")}
    lasts = round(chance.uniform(0.3, 3.0), 1)
    if kind == STORM:
        return Fault(kind, "all", "all")
    if kind == CUT:
        return Fault(kind, chance.choice(drawn.nodes), "node", lasts * 2, chance.choice(WAYS))
    if kind == DISK:
        return Fault(kind, "registry", "registry", lasts)
    role = chance.choice(sorted(set(roles.values())))
    whom = chance.choice([who for who, one in roles.items() if one == role])
    if kind == CLOCK:
        wrong = chance.choice((-10, -5, 5, 10))
        return Fault(kind, whom, role, lasts + 2, f"{wrong:+d} s")
    return Fault(kind, whom, role, 0.0 if kind == CRASH else lasts)
