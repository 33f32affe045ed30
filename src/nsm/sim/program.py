"""A program as the real ones are run, in a simulated place."""

import socket
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from nsm.admission import Admission
from nsm.chains.needs import Needs
from nsm.elements.policy import Authorize, AuthorizeClient
from nsm.identity.onlookers import Pattern
from nsm.identity.policies import COMMON, Policies
from nsm.nouns import replace
from nsm.program import Program
from nsm.rpc import Server
from nsm.rpc.services import methods_for
from nsm.sdk import Handler, Link, Offer
from nsm.sim.network import Listener, Network
from nsm.sim.process import Process
from nsm.sim.serving import Calls

GRACE = 5.0
"""Seconds that calls have to end when a program stops."""
READABLE = Policies.select((COMMON,))
"""What can be judged of tokens that nobody signed: that they are read, in time, and chained."""


@dataclass(kw_only=True, eq=False)
class SimProgram(Program):
    """The same, but for how it is served, how it is judged, and whom it tells."""

    process: Process
    network: Network
    told: Callable[[dict[str, Any]], None] = lambda _: None

    async def serve(self, offer: Offer, listen_on: Sequence[str]) -> Server:
        methods = methods_for(offer, self.tokens.id)
        server = SimServer(self.network, self.process)
        for url in listen_on:
            tcp = url.startswith("tcp")
            listener = Listener(
                process=self.process, methods=methods, peer=self.identity.peer, tcp=tcp
            )
            if not tcp:
                bind(url.removeprefix("unix://"))
            self.network.listen(url, listener)
            server.listeners.append(listener)
        self.at_exit(server.close)
        return cast("Server", server)

    def needs(
        self,
        dial_timeout: timedelta,
        admission: Admission | None = None,
        admins: Iterable[Pattern] = (),
    ) -> Needs:
        needs = super().needs(dial_timeout, admission, admins)
        return replace(needs, authorize=Authorize(READABLE, self.clock))

    def next_hop(self) -> Link[Handler]:
        return AuthorizeClient(READABLE, self.clock)

    def own_socket(self) -> str:
        return f"unix://{self.process.host.folder}/{self.process}.sock"

    def report(self, **news: object) -> None:
        self.told(news)


class SimServer:
    """What listens for a program, until it is told to stop."""

    def __init__(self, network: Network, process: Process) -> None:
        self.network = network
        self.process = process
        self.listeners: list[Listener] = []

    async def close(self) -> None:
        """Take no more calls, end streams, let other calls end, hang up."""
        self.network.hush(self.process)
        calls = [each for each in self.calls() if each.wire.listener.process is self.process]
        for each in calls:
            each.leave()
        clock = self.process.clock
        until = clock.ticks() + GRACE
        while any(each.running for each in calls) and clock.ticks() < until:
            await clock.sleep(0.05)
        for each in calls:
            each.drop()
            await clock.sleep(0)
            self.network.part(each.wire)

    def calls(self) -> list[Calls]:
        """All connections to it."""
        return [wire.calls for one in self.listeners for wire in one.wires if wire.calls]


def bind(path: str) -> None:
    """A socket's file: what programs hand each other is one, though nobody hears it."""
    with suppress(FileNotFoundError):
        Path(path).unlink()
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(path)
