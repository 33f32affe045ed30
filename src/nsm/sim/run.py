"""One story from its beginning to its end, and what was wrong with it."""

import asyncio
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random

from nsm.sdk.chance import sown
from nsm.sim.faults import befall
from nsm.sim.files import LEDGER
from nsm.sim.folders import folder
from nsm.sim.invariants import LOOK, Watch, unsettled
from nsm.sim.leaks import ids_of_those_up, leftovers, still_known, strays, unclosed
from nsm.sim.loop import Stuck, live
from nsm.sim.mesh import Mesh
from nsm.sim.quiet import Peace
from nsm.sim.roles import cast_roles
from nsm.sim.story import Story
from nsm.sim.trace import Trace

SETTLED = 40.0
"""Seconds after the last fault within which every wish that can be met is: connections given up by
the system (20 s), a request that is answered too late (15 s), and the longest pauses between tries
(5 s)."""
COLLECTED = 200.0
"""Seconds, beyond the life of tokens, within which everything is gone that nobody wants: expiry,
then the next look of a forwarder (60 s), or of two that share a wire."""
STEP, SLOWLY = 2.0, 7.5
"""Seconds between two looks for what is to happen soon, and for what takes its time."""
CALMED, RESTS = 5.0, 15.0
"""Seconds before a rest, in which what was still under way ends, and how much longer it lasts than
the tokens that end first: no way stands longer without being asked for."""
EXPIRED = 90.0
"""Seconds after which nobody knows an endpoint any more that is not heard of (60 s), and more."""
PROMPT = 30.0
"""Seconds after which nothing is left of what was closed while nothing was wrong."""


@dataclass(frozen=True)
class Outcome:
    """How a story went: `problems` in the order they showed; two runs have one `digest`."""

    story: Story
    problems: tuple[str, ...]
    digest: str
    lines: tuple[tuple[float, str, str], ...]
    virtual: float

    @property
    def good(self) -> bool:
        """Whether everything held."""
        return not self.problems


def run(story: Story, *, keep: bool = False) -> Outcome:
    """Live it; `keep` keeps every line that was traced."""
    trace = Trace(keep=keep)
    with folder() as place, sown(Random(f"chance {story.seed}")), _no_collecting():
        problems, ended = _lived(Mesh(story, place, trace))
    return Outcome(story, problems, trace.digest, tuple(trace.lines), ended)


def _lived(mesh: Mesh) -> tuple[tuple[str, ...], float]:
    """What was wrong, and when it was over; whoever was in it is let go of, and all they held."""
    telling = Telling(mesh)
    try:
        live(telling.tell())
    except Stuck as error:
        telling.problems.append(str(error))
    finally:
        LEDGER.of.clear()
    return tuple(telling.problems), telling.ended


class Telling:
    """A story being told."""

    def __init__(self, mesh: Mesh) -> None:
        self.mesh = mesh
        self.story = mesh.story
        self.watch = Watch(mesh)
        self.problems: list[str] = []
        self.ended = 0.0
        cast_roles(mesh)

    async def tell(self) -> None:
        """All of it."""
        mesh, loop = self.mesh, asyncio.get_running_loop()
        self._begin()
        watching = mesh.tasks.start("watch", self._look())
        befalling = [mesh.tasks.start(f"fault {f}", befall(mesh, f)) for f in self.story.faults]
        await asyncio.sleep(self.story.calm_at + STEP)
        for task in befalling:  # whoever is told to stop may take its time
            await asyncio.wait([task])
        mesh.trace("story", "nothing goes wrong from here on", aloud=True)
        await self._until(SETTLED, self._unsettled)
        if self.story.rests and not mesh.problems:
            await self._rest()
        watching.cancel()
        self.watch.continuity.over = True
        if not mesh.problems:
            await self._finish()
        self.problems = list(mesh.problems)
        self.ended = loop.time()
        await mesh.end()

    def _begin(self) -> None:
        mesh = self.mesh
        for name in mesh.roles:
            mesh.start(name)

    def _unsettled(self) -> Iterator[str]:
        yield from unsettled(self.mesh, self.watch.pools)
        yield from self.watch.disagreeing()

    async def _rest(self) -> None:
        mesh, loop = self.mesh, asyncio.get_running_loop()
        mesh.trace("story", "nothing happens for a while", aloud=True)
        await asyncio.sleep(CALMED)
        peace, until = Peace(mesh), loop.time() + self.story.shortest + RESTS
        while loop.time() < until:
            await asyncio.sleep(LOOK)
            peace.look()

    async def _finish(self) -> None:
        mesh = self.mesh
        mesh.trace("story", "all clients leave", aloud=True)
        if self.story.theme == "mishaps":
            await self._until(PROMPT, lambda: strays(mesh))
        clients = [client.name for client in self.story.clients]
        closed = ids_of_those_up(mesh)
        leaving = [mesh.tasks.start(f"stop {name}", mesh.stop(name)) for name in clients]
        for task in leaving:
            await asyncio.wait([task])
        await self._until(PROMPT, lambda: unclosed(mesh, closed))
        await self._until(self.story.lifetime + COLLECTED, lambda: leftovers(mesh), SLOWLY)
        mesh.trace("story", "all endpoints die", aloud=True)
        for endpoint in self.story.endpoints:
            mesh.kill(endpoint.name)
        await self._until(EXPIRED, lambda: still_known(mesh), 2 * SLOWLY)

    async def _until(
        self, bound: float, wrong: Callable[[], Iterator[str]], step: float = STEP
    ) -> None:
        loop = asyncio.get_running_loop()
        late = loop.time() + bound
        while next(wrong(), None) is not None:
            if loop.time() > late:
                for one in list(wrong()):
                    self.mesh.complain(one)
                return
            await asyncio.sleep(step)

    async def _look(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(LOOK)
            self.watch.look(loop.time())


@contextmanager
def _no_collecting() -> Iterator[None]:
    """When garbage is found would differ from run to run, and close what it held.

    What was there before is no part of the story, and is not looked through at its end.
    """
    gc.disable()
    gc.freeze()
    try:
        yield
    finally:
        gc.enable()
        gc.collect()
        gc.unfreeze()
