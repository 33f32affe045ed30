"""A whole mesh in one process: hosts, and the programs on them, started and ended by name."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from nsm.api.connection import Connection
from nsm.components.client.report import Wire
from nsm.dataplane.fake import FakeKernel
from nsm.dataplane.fake_link import FakeLink
from nsm.dataplane.ledger import NodeKey
from nsm.dataplane.netns import Key, Netns
from nsm.dataplane.ops import DelLink, LinkEnd
from nsm.program import Program, Settings
from nsm.program.starting import employ
from nsm.sdk import Tasks
from nsm.sim.dialing import SimDialer
from nsm.sim.disk import Disk
from nsm.sim.identity import APPS, SimIdentity
from nsm.sim.inside import inside
from nsm.sim.kernel import Packets
from nsm.sim.network import Network
from nsm.sim.process import Host, Process
from nsm.sim.program import SimProgram
from nsm.sim.story import Story
from nsm.sim.trace import Trace

log = logging.getLogger(__name__)

AGAIN = 1.0
"""Seconds after which a program that failed is started again."""

Work = Callable[[Any, Program], Awaitable[None]]


@dataclass(eq=False)
class Running:
    """A program in one of its lives."""

    process: Process
    program: SimProgram
    task: "asyncio.Task[None]"
    wires: list[Wire] = field(default_factory=list)
    keepers: dict[int, list[object]] = field(default_factory=dict)
    """What it keeps things in, by the number of places at which it listened then."""


@dataclass(frozen=True)
class Role:
    """How a program is run: its id, where, with which settings, doing what."""

    id: str
    host: str
    settings: Settings
    work: Callable[["Mesh", Process], Work]


class Mesh:
    """What a story is lived by."""

    def __init__(self, story: Story, folder: Path, trace: Trace) -> None:
        self.story = story
        self.folder = folder
        self.trace = trace
        self.chance = Random(f"run {story.seed}")
        self.network = Network(Random(f"net {story.seed}"), trace)
        self.packets = Packets(self.network)
        self.tasks = Tasks()
        self.disk = Disk()
        self.hosts: dict[str, Host] = {}
        self.roles: dict[str, Role] = {}
        self.lives: dict[str, int] = {}
        self.running: dict[str, Running] = {}
        self.wanted: dict[str, None] = {}
        self.gone: set[str] = set()
        self.spaces: dict[str, dict[str, Netns]] = {}
        self.problems: dict[str, float] = {}
        self.changed: Callable[[], None] = lambda: None
        for number, name in enumerate(["hub", *(node.name for node in story.nodes)]):
            self.hosts[name] = self._host(name, f"10.0.0.{100 + number}")

    def start(self, name: str) -> None:
        """Begin a life of the program of that name, unless it lives."""
        if name in self.gone:
            return
        self.wanted[name] = None
        if name not in self.running:
            self._begin(name, self.roles[name])

    def kill(self, name: str) -> None:
        """From one moment to the next it is no more."""
        self.wanted.pop(name, None)
        if running := self.running.get(name):
            self.trace(name, "is killed", aloud=True)
            self._bury(name, running)

    async def stop(self, name: str) -> None:
        """Let it end in peace."""
        self.wanted.pop(name, None)
        if running := self.running.get(name):
            self.trace(name, "is told to stop", aloud=True)
            running.program.stopping.set()
            await asyncio.wait([running.task])

    async def end(self) -> None:
        """Everything is over, whatever state it is in."""
        self.wanted.clear()
        for name, running in list(self.running.items()):
            self._bury(name, running)
        await self.tasks.stop()

    def space(self, owner: str) -> Netns:
        """The namespace of a workload, made where it has none."""
        host = self.hosts[self.roles[owner].host]
        path = self.space_file(owner)
        path.touch()
        found = path.stat()
        return self.spaces.setdefault(host.name, {}).setdefault(
            owner, Netns(-1, Key(found.st_dev, found.st_ino))
        )

    def forget_space(self, owner: str) -> None:
        """The namespace goes, and all that is in it."""
        host = self.hosts[self.roles[owner].host]
        space = self.spaces.get(host.name, {}).pop(owner, None)
        if space is not None:
            for netns, name in list(host.kernel.links_at):
                if netns == space and (netns, name) in host.kernel.links_at:
                    host.kernel.carry_out((DelLink(LinkEnd(netns, name)),))
            host.kernel.rules = {rule for rule in host.kernel.rules if rule.netns != space}
            host.joints = {at: joint for at, joint in host.joints.items() if at[0] != space}
        self.space_file(owner).unlink(missing_ok=True)

    def owner(self, netns: Netns) -> str:
        """Whose a namespace is."""
        known = (item for here in self.spaces.values() for item in here.items())
        return next((name for name, space in known if space == netns), "a namespace that is gone")

    def space_file(self, owner: str) -> Path:
        """Where a workload's namespace can be opened."""
        return self.hosts[self.roles[owner].host].folder / f"{owner}.netns"

    def wires(self) -> Iterator[tuple[str, Wire]]:
        """Every vWire of every living client, as that tells of it."""
        for name, running in self.running.items():
            for wire in running.wires:
                yield name, wire

    def carries(self, client: str, conn: Connection) -> bool:
        """Whether packets pass from that client to whoever serves it."""
        host = self.hosts[self.roles[client].host]
        space = self.spaces.get(host.name, {}).get(client)
        return space is not None and self.packets.carried(host, space, conn)

    def passes(self, client: str, name: str) -> bool:
        """Whether packets pass through an interface of a client, to whatever is at its end."""
        link = self.link(client, name)
        host = self.hosts[self.roles[client].host]
        return link is not None and self.packets.passed(host, link)

    def link(self, client: str, name: str) -> FakeLink | None:
        """An interface of a client, if it is there."""
        host = self.hosts[self.roles[client].host]
        space = self.spaces.get(host.name, {}).get(client)
        return host.kernel.links_at.get((space, name)) if space else None

    def complain(self, problem: str) -> None:
        """Something is wrong; it is told once."""
        if problem not in self.problems:
            self.problems[problem] = asyncio.get_running_loop().time()
            self.trace("problem", problem, aloud=True)

    def _begin(self, name: str, role: Role) -> None:
        if role.id.startswith(APPS):
            self.space(name)
        self.lives[name] = self.lives.get(name, 0) + 1
        process = Process(name=name, life=self.lives[name], host=self.hosts[role.host])
        lifetime = role.settings.max_token_lifetime.total_seconds()
        identity = SimIdentity(process, role.id, lifetime)
        program = SimProgram(
            name=role.settings.name,
            environ={"NODE_NAME": role.host},
            identity=identity,
            tokens=identity,
            dialer=SimDialer(self.network, process, identity, identity),
            clock=process.clock,
            tasks=process.tasks,
            process=process,
            network=self.network,
        )
        self.trace(name, "starts", aloud=True)
        work = role.work(self, process)
        task = self.tasks.start(name, self._live(name, role.settings, work, program))
        self.running[name] = Running(process, program, task)
        program.told = lambda news: self._told(name, process, news)

    async def _live(self, name: str, settings: Settings, work: Work, program: SimProgram) -> None:
        process = program.process
        try:
            await employ(settings, work, program)
            self.trace(name, "ends", aloud=True)
        except Exception as error:
            self.trace(name, f"fails: {type(error).__name__}", aloud=True)
            log.info("%s failed", name, exc_info=True)
        if process.alive:
            self._bury(name, self.running[name])
            if name in self.wanted:
                await asyncio.sleep(AGAIN)
                if name in self.wanted:
                    self.start(name)

    def _bury(self, name: str, running: Running) -> None:
        del self.running[name]
        running.process.kill()
        running.program.undo.clear()
        running.program.stood_on.clear()
        self.network.bury(running.process)
        if running.task is not asyncio.current_task():
            running.task.cancel()
        self.tasks.start(f"end of {running.process}", running.process.tasks.stop())

    def _told(self, name: str, process: Process, news: dict[str, Any]) -> None:
        """What a program says of itself, while it lives."""
        running = self.running.get(name)
        if running is None or running.process is not process or not process.alive:
            return
        if wire := news.get("connection"):
            if not running.wires:
                running.wires = inside(Wire, running.program)
            self.trace(name, f"{wire['id']} {wire['state']} {wire['endpoint']} {wire['src']}")

    def _host(self, name: str, ip: str) -> Host:
        folder = self.folder / name
        folder.mkdir()
        (folder / "netns").touch()
        found = (folder / "netns").stat()
        host = Host(
            name=name,
            ip=ip,
            folder=folder,
            kernel=FakeKernel(),
            netns=Netns(-1, Key(found.st_dev, found.st_ino)),
            key=NodeKey(name.encode()),
        )
        self.network.add(host)
        return host
