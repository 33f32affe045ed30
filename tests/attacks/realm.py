"""A trust domain to attack: registry, manager and forwarder on real sockets, with real identities.

What reaches the manager's first element is in `knocked`, what reaches the forwarder's last in
`built`: after an attack that fails, nothing is there.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from nsm.api.connection import Connection, Request, Segment
from nsm.api.connection import Path as Hops
from nsm.api.labels import Labels
from nsm.api.mechanism import INODE_URL
from nsm.api.registration import Answer as AnswerOf
from nsm.api.registration import Endpoint, NetworkService, Query, R
from nsm.chains.endpoint import endpoint
from nsm.chains.registry import endpoint_client
from nsm.components.manager.config import Config as ManagerConfig
from nsm.components.manager.program import Managing, manage
from nsm.components.registry import program as registering
from nsm.components.registry.config import Config as RegistryConfig
from nsm.config import load
from nsm.dataplane.netns import Netns
from nsm.elements.mechanism import ReceiveFiles, SendFiles
from nsm.elements.registry import SendEndpointFile
from nsm.identity.authority import Authority
from nsm.identity.fake import FakeSource
from nsm.program import Program
from nsm.rpc import Pool, Server
from nsm.sdk import Call, Clock, Handler, Offer
from nsm.wire import decode, encode, methods
from nsm.wire.methods import Method

from .forging import Card, moment, token
from .raw import Answer, Mouth

DOMAIN = "test"
MANAGER = "spiffe://test/nsm/manager"
REGISTRY = "spiffe://test/nsm/registry"
FORWARDER = "spiffe://test/nsm/forwarder"
PATIENCE = [("grpc-timeout", "5S")]
DIAL = timedelta(seconds=5)
Headers = list[tuple[str, str]]
EMPTY = '{"Index":0,"PathSegments":null}'
Found = AnswerOf[Endpoint]


@dataclass(frozen=True)
class Person:
    """Somebody with a certificate, and words of their own."""

    id: str
    card: Card

    async def mouth(self, url: str) -> Mouth:
        """A connection to there."""
        return await Mouth.to(url, self.card.context())

    def token(self, to: str = MANAGER, **said: Any) -> str:
        """An honest token, but for what is said otherwise."""
        return token(self.card, **{"sub": self.id, "aud": [to], **said})

    def headers(self, to: str = MANAGER, text: str | None = None) -> Headers:
        """What honest callers send with a call."""
        sent = text or self.token(to)
        return [
            ("nsm-client-token", sent),
            ("nsm-client-token-expires", moment(time.time() + 300)),
            *PATIENCE,
        ]

    async def call(self, url: str, method: Method, noun: object, headers: Headers) -> Answer:
        """Call on a connection of its own."""
        async with await self.mouth(url) as mouth:
            return await mouth.ask(method.path, encode(noun) if noun is not None else b"", headers)

    def wish(self, id: str = "wire-0", *more: Segment, index: int = 0) -> Request:
        """An honest request, but for `more` segments."""
        hops = Hops(index, (Segment(self.id.rpartition("/")[2], id), *more))
        return Request(Connection(hops.segments[index].id, network_service="vpn", path=hops))

    async def ask(
        self, url: str, request: Request | None = None, text: str | None = None
    ) -> Answer:
        """Ask a manager for a vWire."""
        wish = request or self.wish()
        return await self.call(url, methods.REQUEST, wish, self.headers(text=text))

    async def close(self, url: str, conn: Connection) -> Answer:
        """Ask a manager to take a vWire down."""
        return await self.call(url, methods.CLOSE, conn, self.headers())

    async def register(
        self, url: str, record: R, to: str = REGISTRY, path: str = EMPTY, *, text: str | None = None
    ) -> Answer:
        """Register at a registry."""
        method = (
            methods.REGISTER_ENDPOINT if isinstance(record, Endpoint) else methods.REGISTER_SERVICE
        )
        return await self.call(url, method, record, [*self.headers(to, text), ("path", path)])

    async def unregister(
        self, url: str, record: R, to: str = REGISTRY, path: str = EMPTY
    ) -> Answer:
        """Take a record back."""
        method = (
            methods.UNREGISTER_ENDPOINT
            if isinstance(record, Endpoint)
            else methods.UNREGISTER_SERVICE
        )
        return await self.call(url, method, record, [*self.headers(to), ("path", path)])

    async def find(self, url: str, name: str, to: str = REGISTRY) -> Endpoint | None:
        """The endpoint of that name, as others see it."""
        answer = await self.call(
            url, methods.FIND_ENDPOINT, Query(Endpoint(name)), self.headers(to)
        )
        assert answer.status == 0, answer.said
        return decode(Found, answer.message).record if answer.data else None


@dataclass
class Tap:
    """Writes down who gets as far as the first element of a chain."""

    then: Handler
    heard: list[str] = field(default_factory=list)

    async def request(self, call: Call, request: Request) -> Connection:
        self.heard.append(f"request of {call.peer and call.peer.id}")
        return await self.then.request(call, request)

    async def close(self, call: Call, conn: Connection) -> None:
        self.heard.append(f"close of {call.peer and call.peer.id}")
        await self.then.close(call, conn)


@dataclass
class Builder:
    """Stands where a forwarder builds: `built` is what was asked for, `gone` what was closed."""

    built: list[Request] = field(default_factory=list)
    gone: list[Connection] = field(default_factory=list)
    namespaces: list[Netns] = field(default_factory=list)

    async def request(self, call: Call, request: Request) -> Connection:
        offers = request.preferences
        for offer in offers[:1]:
            if url := offer.get(INODE_URL):
                self.namespaces.append(Netns.open(url))
        self.built.append(request)
        conn = request.connection
        return replace(conn, mechanism=conn.mechanism or next(iter(offers), None))

    async def close(self, call: Call, conn: Connection) -> None:
        self.gone.append(conn)


class Realm:
    """All programs of the domain, and cards for whoever wants to join it, or to break in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        self.authority = Authority(DOMAIN, self.clock)
        self.programs: list[Program] = []
        self.builder = Builder()
        self.registry_rules = ""

    def source(self, id: str) -> FakeSource:
        """An honest identity of ours."""
        return FakeSource.of(id, self.authority, self.clock)

    def person(self, name: str) -> "Person":
        """Somebody with an honest certificate; what they do with it is another matter."""
        id = f"spiffe://{DOMAIN}/{name}"
        return Person(id, Card.of(self.source(id).svid))

    def program(self, id: str) -> Program:
        """A program that has its identity."""
        source = self.source(id)
        pool = Pool(source, source, self.clock)
        name = id.rpartition("/")[2]
        made = Program(name=name, environ={}, identity=source, tokens=source, dialer=pool)
        made.at_last(pool.close)
        self.programs.append(made)
        return made

    def socket(self, name: str) -> str:
        return f"unix://{self.folder}/{name}.sock"

    async def serve(self, program: Program, offer: Offer) -> Server:
        return await program.serve(offer, [self.socket(program.name), "tcp://127.0.0.1:0"])

    async def start(self, environ: Mapping[str, str]) -> None:
        """Bring everybody up."""
        await self.start_registry()
        await self.start_manager(environ)
        await self.start_forwarder()
        boss = self.person("boss")
        await boss.register(self.registry.addresses[0], NetworkService("vpn", "IP"))

    async def start_registry(self) -> None:
        program = self.program(REGISTRY)
        said = {
            "NSM_LISTEN_ON": self.socket("registry"),
            "NSM_ADMISSION_RULES": self.registry_rules,
        }
        config = load(RegistryConfig, said)
        self.registry = await self.serve(program, await registering.offer(config, program))

    async def start_manager(self, environ: Mapping[str, str]) -> None:
        program = self.program(MANAGER)
        said = {
            "NSM_NAME": "manager",
            "NSM_LISTEN_ON": self.socket("manager"),
            "NSM_REGISTRY_URL": self.registry.addresses[0],
            "NSM_EXCLUDED_PREFIXES": f"{self.folder}/excluded.yaml",
            **environ,
        }
        self.managing: Managing = manage(load(ManagerConfig, said), program)
        connections = self.managing.offer.connections
        assert connections
        self.tap = Tap(connections)
        self.manager = await self.serve(program, replace(self.managing.offer, connections=self.tap))

    async def start_forwarder(self) -> None:
        program = self.program(FORWARDER)
        needs = program.needs(DIAL)
        chain = endpoint(needs, SendFiles(), ReceiveFiles(needs.clock)).bind(self.builder)
        served = await self.serve(program, Offer(connections=chain, monitor=needs.events))
        labels = {"forwarder": Labels({"p2p": "true"})}
        record = Endpoint("forwarder", ("forwarder",), labels, served.addresses[0])
        registry = program.registry_needs(DIAL)
        client = endpoint_client(registry, self.manager.addresses[0], SendEndpointFile())
        await client.register(Call(), record)

    async def stop(self) -> None:
        for program in reversed(self.programs):
            program.stopping.set()
            await program.end()
            await program.tasks.stop()

    def place(self, name: str) -> tuple[str, str]:
        """Where somebody listens, and who it is."""
        servers = {"manager": (self.manager, MANAGER), "registry": (self.registry, REGISTRY)}
        server, id = servers[name]
        return server.addresses[0], id

    @staticmethod
    def stands(built: Request) -> Connection:
        """What the client of this vWire was answered, but for what lies behind the manager."""
        hops = replace(built.connection.hops, index=0)
        return replace(built.connection, id=hops.segments[0].id, path=hops)

    @property
    def unmoved(self) -> bool:
        """Whether the forwarder was never asked for anything."""
        return not (self.builder.built or self.builder.gone)
