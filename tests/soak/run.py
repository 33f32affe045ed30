"""One soak: a world in which things come and go for a while, looked at after every turn."""

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.chaos.acting import happening
from tests.chaos.drawing import Drawn
from tests.chaos.leftovers import audited, left_over
from tests.chaos.promises import WHOLE
from tests.chaos.run import keep_logs
from tests.chaos.schedule import Fault
from tests.chaos.world import World
from tests.ours import MARK

from nsm.errors import NsmError

from .flat import KINDS, Counts, Course, courses
from .looking import counts

SPACING = 0.02
"""Seconds between two echoes, which say only whether a vWire carries."""
SETTLING = 0.3
"""Seconds after which what was asked for anew has been let go of where it was."""
WARMING = 2
"""Looks at least in each third."""


@dataclass
class Soaked:
    """What was seen."""

    drawn: Drawn
    turns: int = 0
    looks: list[Counts] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    @property
    def courses(self) -> list[Course]:
        return list(courses(self.looks))

    @property
    def wrong(self) -> list[str]:
        """Whatever broke, grew or was left."""
        if self.broken and len(self.looks) < 3 * WARMING:
            return self.broken
        grown = [one for one in self.courses if not one.flat]
        return [*self.broken, *(f"{told(one)}: at most {one.most:g}" for one in grown)]

    def table(self) -> Iterator[str]:
        """Each program and namespace, with the medians of all three thirds."""
        yield f"{self.turns} turns; medians of each third, of {len(self.looks)} looks"
        for kind in KINDS:
            rows = [one for one in self.courses if one.kind == kind]
            if rows:
                yield kind
            for one in rows:
                shown = "  ".join(f"{value:8.1f}" for value in one.medians)
                yield f"  {one.who:20} {shown}{'' if one.flat else '   GROWS'}"


def told(one: Course) -> str:
    """A line for people."""
    return f"{one.kind} of {one.who} grew: {', '.join(f'{value:g}' for value in one.medians)}"


def soak(
    drawn: Drawn, minutes: float, wanted: Iterable[Fault], say: Callable[[str], None]
) -> Soaked:
    """Turns until the time is over or there are no more; it says what is not as it should be."""
    calm = replace(drawn, spacing=dict.fromkeys(drawn.workloads, SPACING))
    soaked, name = Soaked(calm), f"soak-{MARK}"
    with tempfile.TemporaryDirectory(prefix="nsm-soak-") as folder:
        world = World(calm, Path(folder), name)
        try:
            world.up()
            say(f"{name} is up")
            live(world, soaked, minutes, wanted)
        except (RuntimeError, NsmError, OSError) as error:
            soaked.broken.append(f"soak itself failed: {error}")
        finally:
            if soaked.wrong:
                say(f"logs are kept in {keep_logs(world)}")
            soaked.broken += world.down()
    return soaked


def live(world: World, soaked: Soaked, minutes: float, wanted: Iterable[Fault]) -> None:
    """Each turn: something goes, everything is whole again, all is counted."""
    until = time.monotonic() + minutes * 60
    for fault in wanted:
        with happening(fault, world):
            time.sleep(fault.lasts)
        _, lacking = world.whole(WHOLE)
        if lacking:
            soaked.broken.append(f"not whole after {fault}: {', '.join(lacking)}")
            return
        time.sleep(SETTLING)
        for echoes in world.echoes.values():
            echoes.forget(time.monotonic())
        soaked.turns += 1
        soaked.looks.append(counts(world))
        if time.monotonic() > until:
            break
    left, _ = audited(world)
    soaked.broken += left + left_over(world)
