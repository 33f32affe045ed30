"""One process a mesh: makes its ground, starts what stands on it, and takes it all down."""

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from pathlib import Path

import msgspec

from nsm.errors import Invalid, NotFound
from nsm.sdk import Clock, Tasks
from nsm.world import status as shown
from nsm.world.forkserver import Ended, ForkServer, Started, Zygote
from nsm.world.ground import MARKER, Home, member
from nsm.world.jobs import Job, Jobs, Stage
from nsm.world.logs import rotate
from nsm.world.namespaces import Namespaces
from nsm.world.plan import Plan, Process, WorkloadPlan
from nsm.world.planning import excluded_prefixes
from nsm.world.procfs import cost
from nsm.world.programs import OurProgram
from nsm.world.reports import Listener, Report, Wire
from nsm.world.state import Running, State, running, write_state
from nsm.world.sweep import end_all, keys_of, sweep
from nsm.world.zygote import Spawn

log = logging.getLogger(__name__)
FIRST_TO_LAST = (("run", "client"), ("endpoint", "services"), ("node",), ("registry", "identity"))
"""The order in which processes are ended: whoever uses another first."""
LATELY = 5.0
"""Seconds after its death in which what breaks is put down to a program."""
ROTATION = 5.0
"""Seconds between two looks at the logs."""


class Supervisor:
    """Owns everything of one mesh. `changed` is set anew whenever status may say something else."""

    def __init__(self, plan: Plan, home: Home, clock: Clock, zygote: Zygote | None = None) -> None:
        self.plan = plan
        self.home = home
        self.clock = clock
        self.tasks = Tasks()
        self.server = ForkServer(self.tasks, zygote)
        self.spaces = Namespaces(home, plan.namespaces)
        self.jobs = Jobs(self.spawn, clock, self.tasks, self.job_changed)
        self.wires = shown.Wires()
        self.workloads = {workload.name: workload for workload in plan.workloads}
        self.watchers: set[asyncio.Event] = set()
        self.steps: list[dict[str, object]] = []
        self.arrived: set[str] = set()
        self.began = clock.ticks()
        self.over = asyncio.Event()
        self.listener: Listener | None = None

    # -- coming up

    async def start(self) -> None:
        """Make the ground and let everything start; returns when the first programs run."""
        zygote = self.tasks.start("fork server", self.server.start())
        self.write_files()
        await self.spaces.build()
        self.step(f"{len(self.plan.namespaces)} namespaces, joined by an underlay")
        self.listener = Listener(self.home.reports, self.hear).start()
        await zygote
        for workload in self.plan.workloads:
            self.wires.expect(workload)
        self.jobs.add(self.plan.processes)
        self.tasks.start("log rotation", self.keep_logs_small())

    def write_files(self) -> None:
        """What programs read: prefixes to keep clear of, who is who, services to register."""
        self.home.logs.mkdir(exist_ok=True)
        self.home.excluded.write_text(excluded_prefixes())
        for domain in self.plan.domains:
            self.write_entries(domain.name)
            services = msgspec.json.encode(domain.services)
            self.home.services(domain.name).write_bytes(services)
            for path, said in domain.rules.items():
                write_or_link(path, said)
        for process in self.plan.processes:
            self.home.folder(process.who).mkdir(parents=True, exist_ok=True)

    def write_entries(self, domain: str) -> None:
        """Who stands in which namespace, for the domain's authority."""
        identities = next(one.identities for one in self.plan.domains if one.name == domain)
        guests = {
            name: member(domain, self.plan.mesh, name)
            for name in self.spaces.adopted
            if self.workloads[name].domain == domain
        }
        everyone = {**identities, **guests}
        entries = [
            {"id": id, "netns": str(self.spaces.path(namespace))}
            for namespace, id in everyone.items()
        ]
        replace_file(self.home.entries(domain), msgspec.json.encode({"entries": entries}))

    async def spawn(self, process: Process, ended: Ended) -> Started:
        """Start one program where it belongs."""
        if not self.spaces.exists(process.namespace):
            raise NotFound(f"the namespace {process.namespace} is gone")
        launch = process.launch
        ours = isinstance(launch, OurProgram)
        if process.kind == "client":
            self.wires.expect(self.workloads[process.who])
        return await self.server.spawn(
            Spawn(
                title=process.who,
                program=launch.program if isinstance(launch, OurProgram) else "",
                argv=launch.argv,
                environ=process.environ,
                netns=str(self.spaces.path(process.namespace)),
                mntns=self.spaces.room(process.namespace),
                log=str(self.home.log(process.who)),
                folder="/" if ours else str(process.folder),
            ),
            ended,
        )

    # -- hearing

    def hear(self, pid: int, report: Report) -> None:
        """A program says that it is ready, or how a vWire is."""
        job = self.speaker(pid, report.name)
        if job is None:
            log.warning("process %d says it is %s, which is nobody here", pid, report.name[:60])
            return
        if report.connection:
            self.learn(job.who, report.connection)
        if job.process.kind == "client":
            if all(wire.state == shown.UP for wire in self.wires.of(job.who)):
                self.jobs.is_ready(job)
        elif report.ready:
            self.jobs.is_ready(job)
        self.changed()

    def learn(self, workload: str, wire: Wire) -> None:
        """How a vWire is, and who may be to blame."""
        if not self.wires.learn(workload, self.wires.blamed(workload, wire, self.just_died)):
            log.warning("%s reports a vWire nobody asked for: %s", workload, wire.id)

    def just_died(self, path: list[str]) -> str | None:
        """The last of those on a path that ended, if that was lately."""
        on_it = [job for job in self.jobs if job.process.name in path and job.process.kind != "run"]
        last = max(on_it, key=lambda job: job.fell, default=None)
        lately = last is not None and self.clock.ticks() - last.fell < LATELY
        return last.who if last and lately else None

    def speaker(self, pid: int, name: str) -> Job | None:
        """Who spoke: the process itself, or one that was started for it, by its name."""
        by_name = None
        for job in self.jobs:
            if job.pid == pid:
                return job
            if job.process.name == name and job.process.kind != "run":
                by_name = job
        return by_name

    def job_changed(self, job: Job) -> None:
        """A process has come, gone or become ready."""
        if job.stage is Stage.UP and job.who not in self.arrived and job.process.kind != "run":
            self.arrived.add(job.who)
            self.step(f"{job.who} is up")
        self.write_state()
        self.changed()

    def write_state(self) -> None:
        """Write down what runs, for when we no longer do."""
        processes = [
            Running(job.who, job.started.pid, job.started.start) for job in self.jobs if job.started
        ]
        me = running("supervisor", os.getpid())
        write_state(self.home.state, State(self.plan.mesh, me, processes))

    def step(self, text: str) -> None:
        """Something of coming up is done."""
        took = round((self.clock.ticks() - self.began) * 1000, 1)
        self.steps.append({"step": text, "ms": took})
        log.info("after %.0f ms: %s", took, text)

    def changed(self) -> None:
        """Wake whoever waits for a change."""
        for watcher in self.watchers:
            watcher.set()

    async def until(self, condition: Callable[[], bool], within: float) -> bool:
        """Whether something has come true in so many seconds."""
        watcher = asyncio.Event()
        self.watchers.add(watcher)
        try:
            async with asyncio.timeout(within):
                while not condition():
                    watcher.clear()
                    await watcher.wait()
        except TimeoutError:
            return condition()
        finally:
            self.watchers.discard(watcher)
        return True

    def status(self) -> shown.Json:
        """What is there and how it is."""
        return shown.mesh_status(self.view(), cost)

    def view(self) -> shown.View:
        """What status is made of."""
        return shown.View(
            self.plan, tuple(self.workloads.values()), self.spaces.path, self.jobs.all, self.wires
        )

    # -- acting

    async def kill(self, job: Job, number: signal.Signals, gone: bool) -> None:
        """Break something: its process, or its namespace as well."""
        if gone and job.process.kind not in ("node", "endpoint", "client"):
            raise Invalid(f"{job.who} has no namespace to lose", fix="kill it without --gone")
        await self.jobs.kill(job, signal.SIGKILL if gone else number)
        if gone:
            namespace = job.process.namespace
            for other in self.jobs.of(namespace):
                await self.jobs.kill(other, signal.SIGKILL)
            path = self.spaces.path(namespace)
            await asyncio.to_thread(end_all, keys_of([path]), None)
            await self.spaces.remove(namespace)
        self.changed()

    def place(self, job: Job) -> shown.Json:
        """Where something runs, for whoever wants to stand there, too."""
        namespace = job.process.namespace
        if not self.spaces.exists(namespace):
            raise NotFound(f"the namespace of {job.who} is gone", fix=f"`nsm restart {job.who}`")
        return {
            "name": job.who,
            "netns": str(self.spaces.path(namespace)),
            "mntns": self.spaces.room(namespace),
            "environ": {MARKER: str(self.home.root), "NSM_MESH": self.plan.mesh},
            "log": str(self.home.log(job.who)),
        }

    async def restart(self, job: Job) -> None:
        """Mend something: its namespace if that is gone, and its process."""
        namespace = job.process.namespace
        if not self.spaces.exists(namespace):
            await self.spaces.make([namespace])
        await self.jobs.restart(job)
        run = self.jobs.all.get(f"{job.who}/run")
        if run is not None and run.stage is Stage.HELD:
            await self.jobs.restart(run)
        self.changed()

    def workload(self, name: str) -> WorkloadPlan:
        """A workload by name."""
        if (found := self.workloads.get(name)) is None:
            known = ", ".join(self.workloads) or "none"
            raise NotFound(f"there is no workload {name!r}", fix=f"there are: {known}")
        return found

    async def keep_logs_small(self) -> None:
        """Put logs aside that have grown."""
        while True:
            await self.clock.sleep(ROTATION)
            await asyncio.to_thread(rotate, self.home.logs)

    # -- going down

    async def stop(self) -> None:
        """End everything in order, then make sure that nothing is left but this process."""
        log.info("taking %s down", self.plan.mesh)
        for kinds in FIRST_TO_LAST:
            await self.jobs.stop_all(kinds)
        if self.listener:
            self.listener.close()
            self.listener = None
        self.server.close()
        self.spaces.close()
        await self.tasks.stop()
        await asyncio.to_thread(sweep, self.home, os.getpid())


def replace_file(path: Path, data: bytes) -> None:
    """Write a file so that whoever reads it finds all of it or what was there before."""
    draft = path.with_name(f".{path.name}.new")
    draft.write_bytes(data)
    draft.replace(path)


def write_or_link(path: Path, said: str | Path) -> None:
    """A file of ours, or a link to one of somebody else's, so that its changes are seen."""
    if isinstance(said, Path):
        path.symlink_to(said)
    else:
        path.write_text(said)
