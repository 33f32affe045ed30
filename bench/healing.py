"""What a death costs a vWire: silence and loss, by echoes 1 ms apart, on a mesh by `nsm up`.

The mesh and the eyes are those of `make chaos`; here each fault is had many times, and timed.
"""

import asyncio
import secrets
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.acting import happening
from tests.chaos.drawing import Drawn, responder
from tests.chaos.echoes import Seen
from tests.chaos.schedule import CRASH, CUT, GONE, HELD, Fault
from tests.chaos.sender import PATIENCE
from tests.chaos.world import World

from bench.apart import apart
from bench.figures import Report

AWAY = 2.0
"""Seconds until what nobody else serves is back."""
CALM = 1.0
"""Seconds in which nothing happens, before each fault."""
LONGEST = 30.0
"""Seconds after which a run has failed."""
NEAR_PAIR, NEAR_ONE, FAR_PAIR, FAR_ONE, SPREAD = "near-pair", "near-one", "far-pair", "far-one", "c"
NEAR = {NEAR_PAIR: "near/nsm-1", NEAR_ONE: "near/nsm-2", SPREAD: "near/nsm-3"}
FAR = {FAR_PAIR: "far/nsm-1", FAR_ONE: "far/nsm-2"}
WIRES = {**NEAR, **FAR}


@dataclass
class Row:
    """One line of the table: what each run did to the vWires it was meant for."""

    name: str
    goal: float | None = None
    goal_p99: float | None = None
    beyond: float = 0.0
    """Seconds that nobody could have served."""
    runs: list[Seen] = field(default_factory=list)


async def measure(quick: bool = False) -> Report:
    """Every fault several times; each is over before the next."""
    times = 2 if quick else 5
    report = await asyncio.to_thread(measured, times)
    for name, runs in (await apart(times)).items():
        tell(report, Row(name, goal=0.0, runs=runs))
    return report


def measured(times: int) -> Report:
    """The same; a world is asked without a loop."""
    report = Report()
    with tempfile.TemporaryDirectory(prefix="nsm-bench-") as folder:
        world = World(drawn(), Path(folder), f"bench-{secrets.token_hex(3)}")
        try:
            world.up()
            for read, harm in faults(world):
                for _ in range(times):
                    once(world, read, harm)
                for row in read.values():
                    tell(report, row)
        finally:
            left = world.down()
    if left:
        raise RuntimeError(f"left behind: {left}")
    return report


def drawn() -> Drawn:
    """Endpoints on one node, clients on that and on another; one service on both."""
    endpoints = {}
    pairs = ((NEAR_PAIR, 2), (NEAR_ONE, 1), (FAR_PAIR, 2), (FAR_ONE, 1))
    for place, (service, many) in enumerate(pairs, 1):
        for at in range(1, many + 1):
            endpoints[f"{service}-{at}"] = responder(service, f"172.16.{place}{at}.0/24", "n-1")
    for at in (1, 2):
        endpoints[f"{SPREAD}-{at}"] = responder(SPREAD, f"172.17.{at}.0/24", f"n-{at}")
    workloads = {
        who: {"node": node, "wants": [f"kernel://{s}/{wire[-5:]}" for s, wire in wires.items()]}
        for who, node, wires in (("near", "n-1", NEAR), ("far", "n-2", FAR))
    }
    return Drawn(0, ("n-1", "n-2"), endpoints, workloads, dict.fromkeys(workloads, 0.001))


Harm = Callable[[], Iterable[Fault]]


def faults(world: World) -> Iterable[tuple[dict[str, Row], Harm]]:
    """Rows by the vWire they are read from, and what is done; local and remote at once."""

    def serving(*services: str) -> list[str]:
        wires = world.wires()
        return [wires[WIRES[service]].endpoint for service in services]

    def to(kind: str, *services: str) -> Harm:
        lasts = AWAY
        return lambda: [Fault(kind, who, "endpoint", lasts) for who in serving(*services)]

    def of(kind: str, who: str, role: str, how: str = "") -> Harm:
        return lambda: [Fault(kind, who, role, AWAY * 2 if how else 0.0, how)]

    both = (NEAR_PAIR, FAR_PAIR)
    yield rows("killed, with another", both, goal=0.0), to(HELD, *both)
    yield rows("gone, with another", both, goal=300.0, goal_p99=1000.0), to(GONE, *both)
    both = (NEAR_ONE, FAR_ONE)
    yield rows(f"killed, back after {AWAY:g} s", both, goal=0.0), to(HELD, *both)
    late = f"gone, back after {AWAY:g} s, beyond"
    yield rows(late, both, goal=1000.0, beyond=AWAY), to(GONE, *both)
    for who, role in (("registry", "registry"), ("n-1", "node"), ("n-2", "node")):
        what = "registry" if role == "registry" else f"manager and forwarder of {who}"
        row = Row(f"{what} killed", goal=0.0)
        yield dict.fromkeys(WIRES.values(), row), of(CRASH, who, role)
    cut = Row("node cut off, with another", goal=3000.0)

    def cutting() -> Iterable[Fault]:
        lead(world)
        time.sleep(CALM)  # what has only just been moved has not been seen to carry
        return of(CUT, "n-2", "node", "both")()

    yield {WIRES[SPREAD]: cut}, cutting


def rows(name: str, services: tuple[str, str], **more: float) -> dict[str, Row]:
    """One for the near client and one for the far."""
    return {
        WIRES[service]: Row(f"endpoint {name}, {where}", **more)
        for service, where in zip(services, ("local", "remote"), strict=True)
    }


def lead(world: World) -> None:
    """See to it that the vWire ends on the other node, so that cutting that off matters."""
    wire, there = WIRES[SPREAD], f"{SPREAD}-2"
    until = time.monotonic() + LONGEST
    while (found := world.wires()[wire]).endpoint != there:
        if found.endpoint:
            with happening(Fault(HELD, found.endpoint, "endpoint"), world):
                while world.wires()[wire].endpoint == found.endpoint:
                    if time.monotonic() > until:
                        raise RuntimeError(f"{wire} does not move to {there}")
                    time.sleep(0.05)
        whole(world)


def once(world: World, read: dict[str, Row], harm: Harm) -> None:
    """One run: harm, restore, and read what came of it."""
    whole(world)
    time.sleep(CALM)
    happened = list(harm())
    since = time.monotonic()
    world.read()
    with ExitStack() as stack:
        for fault in happened:
            stack.enter_context(happening(fault, world))
        time.sleep(max(fault.lasts for fault in happened))
    whole(world)
    until = time.monotonic()
    time.sleep(PATIENCE + 0.2)
    world.read()
    for name, row in read.items():
        workload, _, interface = name.partition("/")
        row.runs.append(world.echoes[workload].seen(interface, since, until))
    for echoes in world.echoes.values():
        echoes.forget(until)


def whole(world: World) -> None:
    """Everything is up, and answers."""
    _, lacking = world.whole(LONGEST)
    if lacking:
        raise RuntimeError(f"not whole: {', '.join(lacking)}")


def tell(report: Report, row: Row) -> None:
    """A row once; several vWires may have been read for it."""
    if row.name in report.raw:
        return
    silences = [max(0.0, seen.silence - row.beyond) for seen in row.runs]
    report.times(
        row.name,
        [silences],
        goal=row.goal,
        goal_p99=row.goal_p99,
        beside=f"{sum(s.lost for s in row.runs)} of {sum(s.sent for s in row.runs)} echoes lost"
        f" in {len(row.runs)}",
    )
    report.raw[f"{row.name}: runs"] = [
        {"silence": s.silence, "lost": s.lost, "sent": s.sent, "remade": s.remade} for s in row.runs
    ]
