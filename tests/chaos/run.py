"""One run: a world, faults for some minutes, and a look at what is left."""

import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from tests.ours import MARK

from nsm.errors import NsmError

from .acting import happening
from .drawing import Drawn, draw
from .leftovers import audited, left_over, waiting
from .promises import WHOLE, Wire, allowed, broken
from .schedule import Fault
from .sender import FLUSH, PATIENCE
from .story import Felt, Happening, Story
from .world import Json, World

CALM = 1.0
"""Seconds in which nothing happens, before each fault."""
Say = Callable[[str], None]


def run(seed: int, minutes: float, wanted: Iterable[Fault], say: Say) -> Story:
    """Faults until there are no more or the time is over; the story says what was broken."""
    drawn = draw(seed)
    story = Story(drawn, minutes)
    name = f"chaos-{seed % 10**6}-{MARK}"
    with tempfile.TemporaryDirectory(prefix="nsm-chaos-") as folder:
        world = World(drawn, Path(folder), name)
        try:
            began = time.monotonic()
            world.up()
            story.up_after = time.monotonic() - began
            say(f"{name}: {', '.join(described(drawn))}; up after {story.up_after:.1f} s")
            live(world, story, wanted, say)
        except (RuntimeError, NsmError, OSError) as error:
            story.failure = f"chaos itself failed: {error}"
        finally:
            if story.broken:
                say(f"logs are kept in {keep_logs(world)}")
            story.left += world.down()
    for line in story.ending():
        say(line)
    return story


def described(drawn: Drawn) -> list[str]:
    """What the world has, for people."""
    wires = sum(len(drawn.wants(one)) for one in drawn.workloads)
    return [
        f"{len(drawn.nodes)} nodes",
        f"{len(drawn.endpoints)} endpoints",
        f"{wires} vWires of {len(drawn.workloads)} workloads",
    ]


def live(world: World, story: Story, wanted: Iterable[Fault], say: Say) -> None:
    """One fault after the other, each restored, and felt by itself."""
    began = time.monotonic()
    _, lacking = world.whole(WHOLE)
    if lacking:
        raise RuntimeError(f"not whole to begin with: {', '.join(lacking)}")
    for fault in wanted:
        if time.monotonic() - began > story.minutes * 60:
            break
        time.sleep(CALM)
        done = befall(fault, world, began)
        story.happenings.append(done)
        for line in done.lines():
            say(line)
        if done.lacking:
            return
    story.left += left_over(world)
    story.waiting += waiting(world)
    left, later = audited(world)
    story.left += left
    story.waiting += [f"{one} waits for its time to be up" for one in later]


def befall(fault: Fault, world: World, began: float) -> Happening:
    """One fault from its beginning until everything is whole again."""
    before = world.wires()
    since = time.monotonic()
    done = Happening(round(since - began, 2), fault, since)
    with happening(fault, world):
        time.sleep(fault.lasts)
    took, done.lacking = world.whole(WHOLE)
    done.whole_after = round(took, 3)
    status = world.status()
    after, healed = world.wires(status), heals(status, since)
    until = time.monotonic()
    time.sleep(PATIENCE + 4 * FLUSH)  # what was lost is known by then
    world.read()
    for name, wire in before.items():
        done.felt.append(felt(fault, world, (wire, after[name]), (since, until), healed.get(name)))
        one = done.felt[-1]
        done.broken += broken(fault, wire, one.after, one.seen, world.drawn)
    for echoes in world.echoes.values():
        echoes.forget(until)
    return done


def felt(
    fault: Fault,
    world: World,
    wires: tuple[Wire, Wire],
    stretch: tuple[float, float],
    healed: Json | None,
) -> Felt:
    """What one vWire felt."""
    before, after = wires
    seen = world.echoes[before.workload].seen(before.interface, *stretch)
    return Felt(before, after, seen, allowed(fault, before, world.drawn), healed)


def heals(status: Json, since: float) -> dict[str, Json]:
    """What clients say of vWires that healed since then, by vWire."""
    began = time.time() - (time.monotonic() - since)
    return {
        f"{one['name']}/nsm-{number}": wire["healed"]
        for one in status["workloads"]
        for number, wire in enumerate(one["connections"], 1)
        if wire.get("healed") and wire["healed"]["noticed_at"] >= began
    }


def keep_logs(world: World) -> str:
    """Copy every log to where a person can look at it later; no test removes it there."""
    kept = Path(tempfile.mkdtemp(prefix=f"{world.home.mesh}-logs-", dir="/tmp"))
    for log in (*world.home.logs.glob("*"), *world.folder.glob("*.log")):
        (kept / log.name).write_bytes(log.read_bytes())
    return str(kept)
