"""Real recipes, real registries, files and paths; a fake kernel."""

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from nsm.api import cidr
from nsm.api.connection import IP, Connection, Request
from nsm.api.labels import Labels
from nsm.api.mechanism import KERNEL, LOCAL, NAME, VXLAN, Mechanism
from nsm.api.names import NsUrl
from nsm.api.registration import Endpoint, Match, NetworkService
from nsm.chains.client import client
from nsm.chains.endpoint import endpoint
from nsm.chains.registry import (
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
from nsm.endpoint.serving import Own, made
from nsm.sdk import (
    END,
    Call,
    Clock,
    Element,
    Handler,
    Link,
    Offer,
    Registry,
    Slot,
    chain,
)
from nsm.sdk.call import Change

from .programs import Programs

REGISTRY = "tcp://registry:5002"
P2P = MappingProxyType({"p2p": "true"})
NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass
class Node:
    """A manager, a forwarder and a kernel."""

    name: str
    tunnel_ip: str
    kernel: FakeKernel
    url: str
    socket: str
    vnis: Vnis = field(default_factory=Vnis)


class Mesh(Programs):
    """A registry and nodes; clients and endpoints come as the test wants them."""

    def __init__(self, folder: Path, clock: Clock, *, sockets_only: bool = False) -> None:
        super().__init__(folder, clock)
        self.nodes: dict[str, Node] = {}
        self.sockets_only = sockets_only
        self.registry = self.listen("registry") if sockets_only else REGISTRY
        self.start_registry()

    def start_registry(self) -> None:
        """A registry that knows nothing yet."""
        self.plug("registry", self.registry, memory_registry(self.registering("registry")))

    async def start_node(
        self, name: str, tunnel_ip: str, mtu: int = 1450, *first: Link[Handler]
    ) -> Node:
        """A node whose tunnels start at that address; its forwarder begins with `first`."""
        socket = self.listen(f"nm-{name}")
        url = socket if self.sockets_only else f"tcp://{tunnel_ip}:5001"
        node = self.nodes[name] = Node(name, tunnel_ip, FakeKernel(), url, socket)
        self.start_manager(node)
        await self.start_forwarder(node, mtu, *first)
        return node

    def start_manager(self, node: Node) -> None:
        name = f"manager-{node.name}"
        needs = self.needs(name)
        registries = manager_registries(self.registering(name), node.url, self.registry, {})
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
        """A forwarder of that node; `labels` None: without any for the service of forwarders.

        `first` stands where admission does: it sees what the forwarder does by itself, too.
        """
        name = name or f"forwarder-{node.name}"
        needs = replace(self.needs(name), admit=chain(*first) if first else Element())
        registry = self.registering(name)
        found = ReceiveFoundFile(EndpointFiles(), self.clock)
        parts = ForwarderParts(
            services=service_client(registry, node.socket),
            endpoints=endpoint_client(registry, node.socket, found),
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
        served = forwarder(needs, parts).bind(END)
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
        *first: Own,
        prefixes: Sequence[str] = ("172.16.0.0/24",),
        labels: Mapping[str, str] = NOTHING,
        register: bool = True,
        url: str = "",
        service: str = "vpn",
    ) -> None:
        """An endpoint of `service` with addresses of its own, in a namespace of its own."""
        needs = self.needs(name)
        own = [made(one, needs) for one in first]
        groups = [AssignPointToPoint((cidr.prefix(p),)) for p in prefixes]
        answer = AnswerKernel(f"file://{self.namespace_file(name)}")
        served = endpoint(needs, *own, *groups, SelectMechanism({KERNEL: answer}), SendFiles())
        url = url or self.listen(name)
        offer = Offer(connections=served.bind(END), monitor=needs.events)
        self.plug(name, url, offer)
        if register:
            await self.change_service(node, service=service)
        await self.registrations(name, node).register(
            Call(), Endpoint(name, (service,), {service: Labels(dict(labels))}, url)
        )

    def registrations(self, name: str, node: Node) -> Registry[Endpoint]:
        """How a program of that name registers with its node's manager."""
        return endpoint_client(self.registering(name), node.socket, SendEndpointFile())

    async def change_service(self, node: Node, *matches: Match, service: str = "vpn") -> None:
        """Register the service anew, with these matches."""
        registry = service_client(self.registering("operator"), node.socket)
        await registry.register(Call(), NetworkService(service, IP, matches))

    def client(self, name: str, node: Node, groups: Sequence[Collection[NsUrl]] = ()) -> Handler:
        """Somebody who asks the manager of that node for interfaces in a namespace of its own."""
        return client(
            self.needs(name),
            OfferKernel(f"file://{self.namespace_file(name)}"),
            RememberPrefixes(groups),
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
            refresh=Refresh(needs.tasks, needs.convoy),
            heal=Heal(needs.watching, needs.tasks, needs.convoy, liveness=liveness, change=change),
        ).bind(END)

    def wish(
        self, id: str, interface: str = "nsm-1", service: str = "vpn", **labels: str
    ) -> Request:
        offer = Mechanism(LOCAL, KERNEL, {NAME: interface})
        return Request(Connection(id, network_service=service, labels=labels), (offer,))

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
