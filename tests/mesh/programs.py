"""Programs in one process that find each other by files and addresses, and can be killed."""

import os
import socket
from dataclasses import dataclass, field
from pathlib import Path

from nsm.chains.needs import Needs
from nsm.chains.registry import RegistryNeeds
from nsm.identity.policies import Policies
from nsm.sdk import Channel, Clock, Dialer, Element, Offer, Tasks
from nsm.sdk.inprocess import Party
from nsm.sdk.switchboard import Switchboard
from nsm.sdk.testing import party

ANYONE = Policies.select(())


@dataclass
class ByFile:
    """Finds a program by its socket, however the file is named, and by its address."""

    inner: Dialer

    async def dial(self, url: str, timeout: float | None = None) -> Channel:
        return await self.inner.dial(by_path(url), timeout)


def by_path(url: str) -> str:
    scheme, _, path = url.partition("://")
    return f"unix://{os.path.realpath(path)}" if scheme == "unix" else url


@dataclass(eq=False)
class Running:
    """A program: who it is, what it does, and where it is plugged in."""

    party: Party
    tasks: Tasks = field(default_factory=Tasks)
    urls: list[str] = field(default_factory=list)


class Programs:
    """Who runs, and how they reach each other."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder = folder
        self.clock = clock
        self.tasks = Tasks()
        self.board = Switchboard(self.tasks, clock)
        self.sockets: list[socket.socket] = []
        self.running: dict[str, Running] = {}
        self.lifetimes: dict[str, float] = {}

    async def kill(self, name: str) -> None:
        """The program is gone from one moment to the next."""
        program = self.running.pop(name)
        for url in program.urls:
            self.board.unplug(url)
        self.board.hang_up(program.party)
        await program.tasks.stop()

    def plug(self, name: str, url: str, offer: Offer) -> None:
        program = self.program(name)
        program.urls.append(url)
        self.board.plug(url, offer, program.party.peer)

    def program(self, name: str) -> Running:
        if name not in self.running:
            lifetime = self.lifetimes.get(name, 600.0)
            self.running[name] = Running(party(f"spiffe://test/{name}", self.clock, lifetime))
        return self.running[name]

    def listen(self, name: str) -> str:
        path = self.folder / f"{name}-{len(self.sockets)}.sock"
        self.sockets.append(sock := socket.socket(socket.AF_UNIX))
        sock.bind(str(path))
        return f"unix://{path}"

    def needs(self, name: str) -> Needs:
        program = self.program(name)
        return Needs(
            name=name,
            tokens=program.party.tokens,
            dialer=ByFile(self.board.dialer(program.party)),
            authorize=Element(),
            tasks=program.tasks,
            clock=self.clock,
        )

    def registering(self, name: str) -> RegistryNeeds:
        program = self.program(name)
        return RegistryNeeds(
            tokens=program.party.tokens,
            dialer=ByFile(self.board.dialer(program.party)),
            server=ANYONE,
            client=ANYONE,
            tasks=program.tasks,
            clock=self.clock,
        )

    async def stop(self) -> None:
        for sock in self.sockets:
            sock.close()
        for name in list(self.running):
            await self.kill(name)
        await self.tasks.stop()
