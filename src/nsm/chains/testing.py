"""A whole domain in one process and on virtual time: every hop real but the wire."""

from collections.abc import Mapping, Sequence
from typing import Self

from nsm.api.connection import RESELECT_REQUESTED, Path
from nsm.chains.client import client, persistent_client
from nsm.chains.endpoint import endpoint
from nsm.chains.needs import Needs
from nsm.elements.lifecycle import Liveness
from nsm.elements.reach import Connect
from nsm.errors import NsmError, Unreachable
from nsm.nouns import replace
from nsm.sdk import (
    END,
    Call,
    Clock,
    Connection,
    Element,
    Handler,
    Link,
    Offer,
    Request,
    Tasks,
    chain,
)
from nsm.sdk.attempts import Attempts
from nsm.sdk.inprocess import Party
from nsm.sdk.switchboard import Switchboard
from nsm.sdk.testing import Recorder, party


def url(name: str) -> str:
    """Where a program of that name is plugged in."""
    return f"test://{name}"


class Towards(Element):
    """A stand-in for discovery: one of these names, the one that answered last time first."""

    def __init__(self, names: Sequence[str], *, endpoints: bool = False) -> None:
        self.names = names
        self.endpoints = endpoints

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        attempts = Attempts("reach the next hop")
        for name in self.choice(request.connection):
            conn = request.connection
            asked = replace(conn, endpoint=name) if self.endpoints else conn
            try:
                return await next.request(call.towards(url(name)), request.carrying(asked))
            except NsmError as error:
                attempts.failed(name, error)
        raise attempts.error() if attempts.failures else Unreachable("nobody is there")

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        await next.close(call.towards(url(_next_name(conn.hops))), conn)

    def choice(self, conn: Connection) -> list[str]:
        """Whom to try, in order."""
        if self.endpoints and conn.endpoint:
            return [conn.endpoint]
        before = "" if conn.state == RESELECT_REQUESTED else _next_name(conn.hops)
        return sorted(self.names, key=lambda name: name != before)


def _next_name(path: Path) -> str:
    after = path.segments[path.index + 1 : path.index + 2]
    return after[0].name if after else ""


class Domain:
    """Programs by name, plugged into one switchboard.

    `Domain(clock, nm=["fwd"], fwd=["nse"], nse=[])`: who passes on to whom; who passes on to
    nobody is an endpoint. What reaches an endpoint is in `heard[name]`.
    """

    def __init__(self, clock: Clock, **onward: list[str]) -> None:
        self.clock = clock
        self.tasks = Tasks()
        self.switchboard = Switchboard(self.tasks, clock)
        self.needs: dict[str, Needs] = {}
        self.parties: dict[str, Party] = {}
        self.heard: dict[str, Recorder] = {}
        self.onward: Mapping[str, list[str]] = onward
        for name in onward:
            self.start(name)

    def start(self, name: str) -> None:
        """Start, or start again with nothing remembered, the program of that name."""
        onward = self.onward[name]
        if onward:
            ends = all(not self.onward.get(next) for next in onward)
            self.serve(name, Towards(onward, endpoints=ends), self.connect(name))
        else:
            self.heard[name] = Recorder()
            self.serve(name, at=self.heard[name])

    def serve(self, name: str, *then: Link[Handler], at: Handler = END) -> None:
        """Serve, under that name, what an endpoint does and then `then`."""
        needs = self.needed(name)
        offer = Offer(connections=endpoint(needs, *then).bind(at), monitor=needs.events)
        self.switchboard.plug(url(name), offer, self.party(name).peer)

    def connect(self, name: str) -> Link[Handler]:
        """The way on, for a program that has one."""
        return Connect(client(self.needed(name)).bind(END))

    def client(self, name: str, to: str, liveness: Liveness | None = None) -> Handler:
        """Somebody who asks `to`, refreshes, and heals."""
        return persistent_client(self.needed(name), url(to), liveness=liveness).bind(END)

    def kill(self, name: str) -> None:
        """The program is gone from one moment to the next."""
        self.switchboard.unplug(url(name))
        self.switchboard.hang_up(self.parties.pop(name))
        self.tasks.start(f"end of {name}", self.needs.pop(name).tasks.stop())

    def needed(self, name: str) -> Needs:
        """What the program's chains are built with."""
        if name not in self.needs:
            party = self.party(name)
            self.needs[name] = Needs(
                name=name,
                tokens=party.tokens,
                dialer=self.switchboard.dialer(party),
                authorize=chain(),
                clock=self.clock,
            )
        return self.needs[name]

    def party(self, name: str) -> Party:
        """Who the program of that name is."""
        if name not in self.parties:
            self.parties[name] = party(f"spiffe://test/{name}", self.clock)
        return self.parties[name]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *failure: object) -> None:
        for needs in self.needs.values():
            await needs.tasks.stop()
        await self.tasks.stop()
