"""Whole domains in one process: real recipes, real registries, files and paths; a fake kernel."""

import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import pytest

from nsm.api import cidr
from nsm.api.connection import IP, Connection, Request
from nsm.api.labels import Labels
from nsm.api.mechanism import KERNEL, LOCAL, NAME, VXLAN, Mechanism
from nsm.api.registration import Endpoint, Match, NetworkService
from nsm.chains.client import client
from nsm.chains.endpoint import endpoint
from nsm.chains.needs import Needs
from nsm.chains.registry import (
    RegistryNeeds,
    endpoint_client,
    manager_registries,
    memory_registry,
    service_client,
)
from nsm.components.forwarder.recipe import Parts as ForwarderParts
from nsm.components.forwarder.recipe import forwarder
from nsm.components.manager.config import Config as ManagerConfig
from nsm.components.manager.recipe import Parts as ManagerParts
from nsm.components.manager.recipe import manager
from nsm.config import load
from nsm.dataplane.fake import FakeKernel, netns
from nsm.dataplane.netns import Key, Netns
from nsm.dataplane.plan import Underlay
from nsm.elements.context import AssignPointToPoint, RememberPrefixes
from nsm.elements.kernel import JoinNamespaces
from nsm.elements.lifecycle import Heal, Liveness, Refresh
from nsm.elements.lifecycle.heal import anew
from nsm.elements.mechanism import (
    AcceptVxlan,
    AnswerKernel,
    OfferKernel,
    OfferVxlan,
    SelectMechanism,
    SendFiles,
    SendFilesClient,
    Vnis,
)
from nsm.elements.reach import SetUrl
from nsm.elements.registry import EndpointFiles, ReceiveFoundFile, SendEndpointFile
from nsm.identity.policies import Policies
from nsm.sdk import (
    END,
    Call,
    Channel,
    Clock,
    Dialer,
    Element,
    Handler,
    Link,
    Offer,
    Registry,
    Slot,
    Tasks,
    chain,
)
from nsm.sdk.call import Change
from nsm.sdk.clock import LoopClock
from nsm.sdk.inprocess import Party
from nsm.sdk.switchboard import Switchboard
from nsm.sdk.testing import party

REGISTRY = "tcp://registry:5002"
P2P = MappingProxyType({"p2p": "true"})
NOTHING: Mapping[str, str] = MappingProxyType({})
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


@dataclass
class Node:
    """A manager, a forwarder and a kernel."""

    name: str
    tunnel_ip: str
    kernel: FakeKernel
    url: str
    socket: str
    vnis: Vnis = field(default_factory=Vnis)


@dataclass(eq=False)
class Running:
    """A program: who it is, what it does, and where it is plugged in."""

    party: Party
    tasks: Tasks = field(default_factory=Tasks)
    urls: list[str] = field(default_factory=list)


class Count(Element):
    """How often a program was asked, and which connections came and went."""

    def __init__(self) -> None:
        self.requests = 0
        self.closes = 0
        self.came: set[str] = set()
        self.went: set[str] = set()
        self.failing: Exception | None = None

    @property
    def unique(self) -> tuple[int, int]:
        """Connections that came and went, each counted once."""
        return len(self.came), len(self.went)

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        self.requests += 1
        self.came.add(request.connection.id)
        if self.failing:
            raise self.failing
        return await next.request(call, request)

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        self.closes += 1
        self.went.add(conn.id)
        await next.close(call, conn)


class Mesh:
    """A registry and nodes; clients and endpoints come as the test wants them."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder = folder
        self.clock = clock
        self.tasks = Tasks()
        self.board = Switchboard(self.tasks, clock)
        self.nodes: dict[str, Node] = {}
        self.sockets: list[socket.socket] = []
        self.running: dict[str, Running] = {}
        self.start_registry()

    def start_registry(self) -> None:
        """A registry that knows nothing yet."""
        self.plug("registry", REGISTRY, memory_registry(self.registering("registry")))

    async def start_node(self, name: str, tunnel_ip: str, mtu: int = 1450) -> Node:
        """A node whose tunnels start at that address."""
        node = Node(
            name, tunnel_ip, FakeKernel(), f"tcp://{tunnel_ip}:5001", self.listen(f"nm-{name}")
        )
        self.nodes[name] = node
        self.start_manager(node)
        await self.start_forwarder(node, mtu)
        return node

    def start_manager(self, node: Node) -> None:
        name = f"manager-{node.name}"
        needs = self.needs(name)
        registries = manager_registries(self.registering(name), node.url, REGISTRY, {})
        config = load(ManagerConfig, {"NSM_NAME": name})
        parts = ManagerParts(
            registries=registries,
            url=node.url,
            place={"nodeName": node.name},
            excluded=tuple,
            authorize=Element(),
        )
        offer = Offer(
            connections=manager(config, needs, parts).bind(END),
            monitor=needs.events,
            network_services=registries.services,
            endpoints=registries.endpoints,
        )
        self.plug(name, node.url, offer)
        self.plug(name, node.socket, offer)

    async def start_forwarder(
        self,
        node: Node,
        mtu: int = 1450,
        *first: Link[Handler],
        name: str = "",
        kernel: FakeKernel | None = None,
        labels: Mapping[str, str] | None = P2P,
    ) -> None:
        """A forwarder of that node; `labels` None: without any for the service of forwarders."""
        name = name or f"forwarder-{node.name}"
        needs = self.needs(name)
        registry = self.registering(name)
        parts = ForwarderParts(
            services=service_client(registry, node.socket),
            endpoints=endpoint_client(registry, node.socket, ReceiveFoundFile(EndpointFiles())),
            ways={KERNEL: Element(), VXLAN: AcceptVxlan(node.tunnel_ip, node.vnis, mtu)},
            offer=OfferVxlan(node.tunnel_ip, mtu),
            join=JoinNamespaces(
                kernel or node.kernel,
                Underlay(netns()),
                Slot[Mechanism](),
                namespace=self.namespace,
            ),
            authorize=Element(),
        )
        served = chain(*first, forwarder(needs, parts)).bind(END)
        url = self.listen(name)
        self.plug(name, url, Offer(connections=served, monitor=needs.events))
        said = {} if labels is None else {"forwarder": Labels(labels)}
        await endpoint_client(registry, node.socket, SendEndpointFile()).register(
            Call(), Endpoint(name, ("forwarder",), said, url)
        )

    async def serve(
        self,
        name: str,
        node: Node,
        *first: Link[Handler],
        prefixes: Sequence[str] = ("172.16.0.0/24",),
        labels: Mapping[str, str] = NOTHING,
        register: bool = True,
    ) -> None:
        """An endpoint of `vpn` with addresses of its own, in a namespace of its own."""
        needs = self.needs(name)
        groups = [AssignPointToPoint((cidr.prefix(p),)) for p in prefixes]
        answer = AnswerKernel(f"file://{self.namespace_file(name)}")
        served = endpoint(needs, *first, *groups, SelectMechanism({KERNEL: answer}), SendFiles())
        url = self.listen(name)
        offer = Offer(connections=served.bind(END), monitor=needs.events)
        self.plug(name, url, offer)
        if register:
            await self.change_service(node)
        await self.registrations(name, node).register(
            Call(), Endpoint(name, ("vpn",), {"vpn": Labels(dict(labels))}, url)
        )

    def registrations(self, name: str, node: Node) -> Registry[Endpoint]:
        """How a program of that name registers with its node's manager."""
        return endpoint_client(self.registering(name), node.socket, SendEndpointFile())

    async def change_service(self, node: Node, *matches: Match) -> None:
        """Register the service `vpn` anew, with these matches."""
        registry = service_client(self.registering("operator"), node.socket)
        await registry.register(Call(), NetworkService("vpn", IP, matches))

    def client(self, name: str, node: Node) -> Handler:
        """Somebody who asks the manager of that node for interfaces in a namespace of its own."""
        return client(
            self.needs(name),
            OfferKernel(f"file://{self.namespace_file(name)}"),
            RememberPrefixes(),
            SendFilesClient(),
            url=SetUrl(node.socket),
        ).bind(END)

    def keeper(
        self,
        name: str,
        node: Node,
        liveness: Liveness | None = None,
        change: Change = anew,
        *then: Link[Handler],
    ) -> Handler:
        """The same, which refreshes and heals what it got."""
        needs = self.needs(name)
        return client(
            needs,
            OfferKernel(f"file://{self.namespace_file(name)}"),
            RememberPrefixes(),
            SendFilesClient(),
            *then,
            url=SetUrl(node.socket),
            refresh=Refresh(needs.tasks, self.clock),
            heal=Heal(needs.watching, needs.tasks, self.clock, liveness=liveness, change=change),
        ).bind(END)

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
            self.running[name] = Running(party(f"spiffe://test/{name}", self.clock))
        return self.running[name]

    def wish(self, id: str, interface: str = "nsm-1", **labels: str) -> Request:
        offer = Mechanism(LOCAL, KERNEL, {NAME: interface})
        return Request(Connection(id, network_service="vpn", labels=labels), (offer,))

    def at(self, owner: str) -> Netns:
        """The namespace of a client or an endpoint, as a fake kernel knows it."""
        return self.namespace(f"file://{self.namespace_file(owner)}")

    def namespace(self, url: str) -> Netns:
        found = os.stat(url.removeprefix("file://"))
        return Netns(-1, Key(found.st_dev, found.st_ino))

    def namespace_file(self, owner: str) -> Path:
        path = self.folder / f"{owner}.netns"
        path.touch()
        return path

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


@pytest.fixture
async def mesh(tmp_path: Path):
    mesh = Mesh(tmp_path, LoopClock())
    yield mesh
    await mesh.stop()
