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
from nsm.sdk import END, Call, Channel, Clock, Dialer, Element, Handler, Link, Offer, Slot, Tasks
from nsm.sdk.clock import LoopClock
from nsm.sdk.inprocess import Party
from nsm.sdk.switchboard import Switchboard
from nsm.sdk.testing import party

REGISTRY = "tcp://registry:5002"
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


class Mesh:
    """A registry and nodes; clients and endpoints come as the test wants them."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder = folder
        self.clock = clock
        self.tasks = Tasks()
        self.board = Switchboard(self.tasks, clock)
        self.nodes: dict[str, Node] = {}
        self.sockets: list[socket.socket] = []
        who = self.party("registry")
        self.board.plug(REGISTRY, memory_registry(self.registering(who)), who.peer)

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
        who, needs = self.party(name), self.needs(name)
        registries = manager_registries(self.registering(who), node.url, REGISTRY, {})
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
        self.board.plug(node.url, offer, who.peer)
        self.board.plug(node.socket, offer, who.peer)

    async def start_forwarder(
        self, node: Node, mtu: int = 1450, *, name: str = "", kernel: FakeKernel | None = None
    ) -> None:
        name = name or f"forwarder-{node.name}"
        who, needs = self.party(name), self.needs(name)
        registry = self.registering(who)
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
        chain = forwarder(needs, parts)
        url = self.listen(name)
        self.board.plug(url, Offer(connections=chain.bind(END), monitor=needs.events), who.peer)
        await endpoint_client(registry, node.socket, SendEndpointFile()).register(
            Call(), Endpoint(name, ("forwarder",), {"forwarder": Labels({"p2p": "true"})}, url)
        )

    async def serve(
        self,
        name: str,
        node: Node,
        *first: Link[Handler],
        prefixes: Sequence[str] = ("172.16.0.0/24",),
        labels: Mapping[str, str] = NOTHING,
    ) -> None:
        """An endpoint of `vpn` with addresses of its own, in a namespace of its own."""
        who, needs = self.party(name), self.needs(name)
        groups = [AssignPointToPoint((cidr.prefix(p),)) for p in prefixes]
        answer = AnswerKernel(f"file://{self.namespace_file(name)}")
        chain = endpoint(needs, *first, *groups, SelectMechanism({KERNEL: answer}), SendFiles())
        url = self.listen(name)
        self.board.plug(url, Offer(connections=chain.bind(END), monitor=needs.events), who.peer)
        registry = self.registering(who)
        await self.change_service(node)
        await endpoint_client(registry, node.socket, SendEndpointFile()).register(
            Call(), Endpoint(name, ("vpn",), {"vpn": Labels(dict(labels))}, url)
        )

    async def change_service(self, node: Node, *matches: Match) -> None:
        """Register the service `vpn` anew, with these matches."""
        registry = service_client(self.registering(self.party("operator")), node.socket)
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
        path = self.folder / f"{name}.sock"
        self.sockets.append(sock := socket.socket(socket.AF_UNIX))
        sock.bind(str(path))
        return f"unix://{path}"

    def party(self, name: str) -> Party:
        return party(f"spiffe://test/{name}", self.clock)

    def dialer(self, who: Party) -> Dialer:
        return ByFile(self.board.dialer(who))

    def needs(self, name: str) -> Needs:
        who = self.party(name)
        return Needs(
            name=name,
            tokens=who.tokens,
            dialer=self.dialer(who),
            authorize=Element(),
            tasks=self.tasks,
            clock=self.clock,
        )

    def registering(self, who: Party) -> RegistryNeeds:
        return RegistryNeeds(
            tokens=who.tokens,
            dialer=self.dialer(who),
            server=ANYONE,
            client=ANYONE,
            tasks=self.tasks,
            clock=self.clock,
        )

    async def stop(self) -> None:
        for sock in self.sockets:
            sock.close()
        await self.tasks.stop()


@pytest.fixture
async def mesh(tmp_path: Path):
    mesh = Mesh(tmp_path, LoopClock())
    yield mesh
    await mesh.stop()
