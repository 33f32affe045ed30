"""The processes of a mesh: started in order, watched, started again; stopped when one says so."""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial

from nsm.errors import NotFound, NsmError
from nsm.sdk import Alarm, Clock, Tasks
from nsm.sdk.backoff import Backoff
from nsm.world.forkserver import Ended, Started
from nsm.world.plan import Process
from nsm.world.programs import UserProgram

log = logging.getLogger(__name__)
PATIENCE = 3.0
"""Seconds something waits for what it would rather be behind."""
GRACE = 5.0
"""Seconds between asking a process to end and ending it."""
STEADY = 30.0
"""Seconds after which a process that stayed up is forgiven its earlier ends."""
FIRST, LONGEST = 0.2, 15.0
ENDING = {signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP} | {
    signal.SIGABRT,
    signal.SIGSEGV,
}

Spawn = Callable[[Process, Ended], Awaitable[Started]]


class Stage(StrEnum):
    """Where a process stands."""

    WAITING = "waiting"
    """For what it comes after."""
    STARTING = "starting"
    """It runs, and has not said that it is ready."""
    UP = "up"
    PAUSING = "pausing"
    """It ended, and is started again after a pause."""
    HELD = "held"
    """Someone stopped it."""
    DONE = "done"
    """It ended as it should, or may not be started again."""


@dataclass(eq=False)
class Job:
    """One process over time: `restarts` counts the times it ended by itself."""

    process: Process
    stage: Stage = Stage.WAITING
    started: Started | None = None
    restarts: int = 0
    status: int | None = None
    since: float = 0.0
    backoff: Backoff = field(default_factory=lambda: Backoff(FIRST, LONGEST))
    alarm: Alarm | None = None
    fell: float = float("-inf")
    """When it last ended, on the clock's own scale."""
    hurried: bool = False
    """Whether it has waited long enough for what it would rather be behind."""
    begun: int = 0
    """How often it was begun; what came of an earlier beginning is none of its business."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def who(self) -> str:
        """Its name on the command line."""
        return self.process.who

    @property
    def pid(self) -> int | None:
        """Its process, while there is one."""
        return self.started.pid if self.started else None

    @property
    def ready(self) -> bool:
        """Whether what comes after it may start."""
        return self.stage is Stage.UP or (self.stage is Stage.DONE and self.status == 0)

    def quiet(self) -> None:
        """Forget the alarm, if one is set."""
        if self.alarm is not None:
            self.alarm.cancel()
            self.alarm = None


class Jobs:
    """All processes of a mesh; `changed` is called with each whose stage has changed."""

    def __init__(
        self, spawn: Spawn, clock: Clock, tasks: Tasks, changed: Callable[[Job], None]
    ) -> None:
        self.spawn = spawn
        self.clock = clock
        self.tasks = tasks
        self.changed = changed
        self.all: dict[str, Job] = {}
        self.patient: dict[str, Alarm] = {}
        self.stopping = False

    def __iter__(self) -> Iterator[Job]:
        return iter(self.all.values())

    def get(self, who: str) -> Job:
        """The process of that name; NotFound says which there are."""
        if (job := self.all.get(who)) is None:
            known = ", ".join(self.all)
            raise NotFound(f"there is no {who!r} in this mesh", fix=f"there are {known}")
        return job

    def of(self, namespace: str) -> list[Job]:
        """The processes in one namespace."""
        return [job for job in self if job.process.namespace == namespace]

    def add(self, processes: Iterable[Process]) -> None:
        """Take on processes; each starts as soon as what it comes after is ready."""
        for process in processes:
            self.all[process.who] = Job(process)
        self.advance()

    def remove(self, who: str) -> None:
        """Forget a process that has ended."""
        self.all.pop(who).quiet()

    def advance(self) -> None:
        """Start whatever may start."""
        for job in list(self):
            if job.stage is Stage.WAITING and not self.stopping and self._may_start(job):
                self._begin(job)

    def _may_start(self, job: Job) -> bool:
        if not self._ready(job.process.after):
            return False
        if self._ready(job.process.behind) or job.hurried:
            return True
        if job.alarm is None:
            job.alarm = self.clock.after(PATIENCE, lambda: self._hurry(job))
        return False

    def _ready(self, names: Iterable[str]) -> bool:
        return all(name not in self.all or self.all[name].ready for name in names)

    def _hurry(self, job: Job) -> None:
        job.alarm, job.hurried = None, True
        self.advance()

    def _begin(self, job: Job) -> None:
        job.quiet()
        job.begun += 1
        self._enter(job, Stage.STARTING)
        self.tasks.start(f"start of {job.who}", self._start(job, job.begun))

    async def _start(self, job: Job, begun: int) -> None:
        if job.stage is not Stage.STARTING or job.begun != begun:  # stopped before it began
            return
        job.ended.clear()
        job.since = self.clock.ticks()
        try:
            started = await self.spawn(job.process, partial(self._over, job, begun))
        except (NsmError, OSError) as error:
            log.error("can't start %s: %s", job.who, error)
            self._over(job, begun, None)
            return
        if job.begun != begun:  # begun anew while it began
            started.signal(signal.SIGKILL)
            return
        job.started = started
        if job.stage not in (Stage.STARTING, Stage.UP):  # stopped while it began
            job.started.signal(signal.SIGKILL)
        elif isinstance(job.process.launch, UserProgram):  # has no way to say that it is ready
            self.is_ready(job)
        self.changed(job)

    def is_ready(self, job: Job) -> None:
        """A process does its job from here on; what waits for it may start."""
        if job.stage is Stage.STARTING:
            self._enter(job, Stage.UP)
            for other in self:
                if other.process.repeats and job.who in other.process.after:
                    self._repeat(other)
            self.advance()

    def _repeat(self, job: Job) -> None:
        """What was done for one life of what it comes after is done again for the next."""
        if job.stage is Stage.DONE:
            self._enter(job, Stage.WAITING)

    def _over(self, job: Job, begun: int, status: int | None) -> None:
        """A process has ended: by itself, or because it was told to."""
        if job.begun != begun:
            return
        job.started, job.status, job.fell = None, status, self.clock.ticks()
        job.ended.set()
        if job.stage is Stage.HELD or self.stopping:
            self.changed(job)
            return
        how = "for reasons unknown" if status is None else f"with {status}"
        if not self._again(job):
            log.info("%s has ended %s", job.who, how)
            self._enter(job, Stage.DONE)
            self.advance()
            return
        if self.clock.ticks() - job.since > STEADY:
            job.backoff.reset()
        pause = job.backoff.pause()
        job.restarts += 1
        log.warning("%s has ended %s; started again in %.1f s", job.who, how, pause)
        self._enter(job, Stage.PAUSING)
        job.alarm = self.clock.after(pause, lambda: self._begin(job))

    def _again(self, job: Job) -> bool:
        restart = job.process.restart
        return restart == "always" or (restart == "on-failure" and job.status != 0)

    def _enter(self, job: Job, stage: Stage) -> None:
        job.stage = stage
        self.changed(job)

    async def kill(self, job: Job, number: signal.Signals) -> None:
        """Send a signal; a process that ends of it stays down until it is restarted."""
        if number not in ENDING:
            if job.started:
                job.started.signal(number)
            return
        job.quiet()
        self._enter(job, Stage.HELD)
        if job.started and job.started.signal(number):
            await self._end_of(job, GRACE)

    async def stop(self, job: Job) -> None:
        """End a process: ask it to, and after a while do not ask."""
        await self.kill(job, signal.SIGTERM)
        if not job.ended.is_set() and job.started:
            await self.kill(job, signal.SIGKILL)

    async def restart(self, job: Job) -> None:
        """End a process if it runs, and start it anew, at once."""
        if job.started:
            await self.stop(job)
        job.backoff.reset()
        self._begin(job)

    async def _end_of(self, job: Job, within: float) -> None:
        try:
            async with asyncio.timeout(within):
                await job.ended.wait()
        except TimeoutError:
            log.warning("%s takes its time to end", job.who)

    async def stop_all(self, kinds: Iterable[str]) -> None:
        """End every process of these kinds, side by side."""
        self.stopping = True
        wanted = [job for job in self if job.process.kind in kinds]
        for job in wanted:
            job.quiet()
        await asyncio.gather(*(self.stop(job) for job in wanted if job.started))
