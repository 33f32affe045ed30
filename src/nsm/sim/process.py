"""One life of one program: what is its own, and goes with it when it is killed."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from nsm.dataplane.fake import FakeKernel
from nsm.dataplane.forward import Joint
from nsm.dataplane.ledger import NodeKey
from nsm.dataplane.netns import Netns
from nsm.sdk import Alarm, Clock, Tasks

START = 1_800_000_000.0
"""The wall's time when every story begins."""


@dataclass(eq=False, kw_only=True)
class Host:
    """A machine: its address, its kernel, how wrong its clock is (seconds).

    `joints` are what passthroughs have joined, by namespace and nft table.
    """

    name: str
    ip: str
    folder: Path
    kernel: FakeKernel
    netns: Netns
    key: NodeKey
    skew: float = 0.0
    joints: dict[tuple[Netns, str], "Joined"] = field(default_factory=dict)


@dataclass(frozen=True)
class Joined:
    """What a passthrough has joined, and which life of it keeps it so.

    `b` is the index of the interface that is the way on, by whatever name it has by now (0: it is
    not there yet); `former` is how it was before it was moved.
    """

    joint: Joint
    by: "Process"
    b: int = 0
    former: "Joined | None" = None


class Killed(Exception):
    """Said within a program that is no more; nobody is left to hear it."""


@dataclass(eq=False, kw_only=True)
class Process:
    """A program from its start to its end; `life` tells it from those of its name before it."""

    name: str
    life: int
    host: Host
    tasks: Tasks = field(default_factory=Tasks)
    alive: bool = True
    dying: list[Callable[[], None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = ProcessClock(self)

    def __str__(self) -> str:
        return f"{self.name}.{self.life}"

    def kill(self) -> None:
        """From one moment to the next it does nothing any more."""
        self.alive = False
        for end in self.dying:
            end()


class ProcessClock(Clock):
    """The host's wall as the program sees it; what it set to happen ends with it."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.pending: dict[_Ring, None] = {}

    def now(self) -> float:
        return START + self.ticks() + self.process.host.skew

    def after(self, seconds: float, ring: Callable[[], None]) -> Alarm:
        return _Ring(self, seconds, ring)


class _Ring:
    def __init__(self, clock: ProcessClock, seconds: float, ring: Callable[[], None]) -> None:
        self.clock = clock
        self.ring = ring
        loop = asyncio.get_running_loop()
        self.handle = loop.call_later(max(0.0, seconds), self._rings)
        clock.pending[self] = None

    def cancel(self) -> None:
        self.handle.cancel()
        self.clock.pending.pop(self, None)

    def _rings(self) -> None:
        self.clock.pending.pop(self, None)
        if self.clock.process.alive:
            self.ring()
