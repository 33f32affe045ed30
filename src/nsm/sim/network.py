"""The wires between programs: who listens where, and what becomes of bytes on their way."""

import asyncio
import os
import socket
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from nsm.errors import Unreachable
from nsm.rpc.connecting import KEEP_ALIVE
from nsm.rpc.incoming import Methods
from nsm.sdk import Peer
from nsm.sim.process import Host, Process
from nsm.sim.trace import Trace

if TYPE_CHECKING:  # the callee's side of a wire
    from nsm.sim.serving import Calls

LOCAL, REMOTE = 0.0001, 0.001
"""Seconds a message takes on a host, and between two."""
GIVEN_UP = KEEP_ALIVE[socket.TCP_USER_TIMEOUT] / 1000
"""Seconds after which the system gives up a TCP connection whose bytes do not arrive."""

Deliver = Callable[[], None]


@dataclass(eq=False, kw_only=True)
class Listener:
    """A program that can be dialed: what it answers, and as whom."""

    process: Process
    methods: Methods
    peer: Callable[[], Peer]
    tcp: bool
    wires: dict["Wire", None] = field(default_factory=dict)


@dataclass(eq=False)
class Wire:
    """One connection between two programs; what is sent on it arrives in order, or not at all."""

    network: "Network"
    caller: Process
    listener: Listener
    ended: bool = False
    calls: "Calls | None" = None
    give_up: Callable[[], None] = lambda: None
    at_end: list[Callable[[], None]] = field(default_factory=list)
    arrived: dict[bool, float] = field(default_factory=lambda: {True: 0.0, False: 0.0})
    held: dict[bool, list[Deliver]] = field(default_factory=lambda: {True: [], False: []})

    def way(self, onward: bool) -> tuple[Host, Host]:
        """From whom to whom, towards the callee or back."""
        there, back = self.caller.host, self.listener.process.host
        return (there, back) if onward else (back, there)

    def send(self, onward: bool, deliver: Deliver) -> None:
        """Let it arrive; on a way that is cut it waits until it is not."""
        sender = self.caller if onward else self.listener.process
        if self.ended or not sender.alive:
            return
        if self.held[onward] or self.network.is_cut(*self.way(onward)):
            self.held[onward].append(deliver)
            return
        loop = asyncio.get_running_loop()
        due = loop.time() + self.network.takes(*self.way(onward))
        due = self.arrived[onward] = max(due, self.arrived[onward] + 1e-6)
        loop.call_at(due, self._deliver, deliver)

    def flow(self) -> None:
        """What waited goes on, where its way is not cut any more."""
        for onward in (True, False):
            if not self.network.is_cut(*self.way(onward)):
                held, self.held[onward] = self.held[onward], []
                for deliver in held:
                    self.send(onward, deliver)

    def end(self) -> None:
        """Both sides learn that it is no more."""
        if not self.ended:
            self.ended = True
            self.listener.wires.pop(self, None)
            self.network.wires.pop(self, None)
            for end in self.at_end:
                end()

    def _deliver(self, deliver: Deliver) -> None:
        if not self.ended:
            deliver()


class Network:
    """Hosts, who listens on them, and what is wrong between them."""

    def __init__(self, chance: Random, trace: Trace) -> None:
        self.chance = chance
        self.trace = trace
        self.hosts: dict[str, Host] = {}
        self.listeners: dict[tuple[str, str], Listener] = {}
        self.wires: dict[Wire, None] = {}
        self.cuts: dict[tuple[str, str], float] = {}
        self.slow: dict[str, float] = {}
        self.lossy: dict[str, float] = {}
        self.asked: Counter[str] = Counter()

    def add(self, host: Host) -> None:
        """A machine joins."""
        self.hosts[host.ip] = host

    def listen(self, url: str, listener: Listener) -> None:
        """From now on `url` leads there."""
        self.listeners[self.place(listener.process.host, url)] = listener

    def hush(self, process: Process) -> None:
        """Nobody reaches this program any more."""
        for place, listener in list(self.listeners.items()):
            if listener.process is process:
                del self.listeners[place]

    def place(self, here: Host, url: str) -> tuple[str, str]:
        """What a URL means on a host: a socket by its path, whatever leads there, or an address."""
        scheme, _, rest = url.partition("://")
        if scheme == "tcp":
            ip, _, port = rest.rpartition(":")
            return ip, port
        if rest.startswith("/proc/"):
            with suppress(OSError):
                rest = os.readlink(rest)
        return here.name, rest

    def host_of(self, here: Host, url: str) -> Host | None:
        """The machine a URL leads to."""
        where, _ = self.place(here, url)
        return here if where == here.name else self.hosts.get(where)

    def connect(self, process: Process, url: str) -> Wire:
        """A new connection; Unreachable where nobody listens."""
        listener = self.listeners.get(self.place(process.host, url))
        if listener is None or not listener.process.alive:
            shown = url if url.startswith("tcp") else "a socket"
            raise Unreachable(f"{shown} cannot be reached: Connection refused")
        wire = Wire(self, process, listener)
        listener.wires[wire] = self.wires[wire] = None
        return wire

    def is_cut(self, a: Host, b: Host) -> bool:
        """Whether nothing gets from `a` to `b`."""
        return (a.name, b.name) in self.cuts

    def carries(self, a: Host, b: Host) -> bool:
        """Whether packets get there and back."""
        return not (self.is_cut(a, b) or self.is_cut(b, a))

    def takes(self, a: Host, b: Host) -> float:
        """Seconds for one message."""
        usual = LOCAL if a is b else REMOTE
        late = max(self.slow.get(a.name, 0.0), self.slow.get(b.name, 0.0))
        return usual * (1 + self.chance.random()) + late * self.chance.random()

    def loses(self, a: Process, b: Process) -> bool:
        """Whether this message gets lost."""
        share = max(self.lossy.get(a.name, 0.0), self.lossy.get(b.name, 0.0))
        return share > 0 and self.chance.random() < share

    def cut(self, a: str, b: str) -> None:
        """Nothing gets from host `a` to host `b` from now on."""
        loop = asyncio.get_running_loop()
        self.cuts[a, b] = loop.time()
        loop.call_later(GIVEN_UP, self._give_up, (a, b), loop.time())

    def mend(self, a: str, b: str) -> None:
        """It does again."""
        if self.cuts.pop((a, b), None) is not None:
            for wire in list(self.wires):
                wire.flow()
                if not (wire.listener.process.alive and wire.caller.alive):
                    self.part(wire)

    def part(self, wire: Wire) -> None:
        """One side is dead: the other hears of it, unless its way there is cut."""
        if self.carries(*wire.way(True)):
            takes = self.takes(*wire.way(False))
            asyncio.get_running_loop().call_later(takes, wire.end)

    def bury(self, process: Process) -> None:
        """All connections of a program that is no more."""
        self.hush(process)
        for wire in list(self.wires):
            if process in (wire.caller, wire.listener.process):
                self.part(wire)

    def reset(self, process: Process) -> None:
        """All connections of a program break, though both sides live."""
        for wire in list(self.wires):
            if process in (wire.caller, wire.listener.process):
                wire.end()

    def _give_up(self, pair: tuple[str, str], since: float) -> None:
        if self.cuts.get(pair) != since:
            return
        for wire in list(self.wires):
            if pair in [(a.name, b.name) for a, b in (wire.way(True), wire.way(False))]:
                wire.end()
