"""How each program of a story is run: settings as a world would give them, and the real work."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, cast

from nsm.api.cidr import Address
from nsm.api.connection import Connection
from nsm.api.mechanism import KERNEL, NAME, VXLAN, Mechanism
from nsm.chains.needs import Needs
from nsm.components.client import program as asking
from nsm.components.client.config import Config as ClientConfig
from nsm.components.endpoint.config import PassthroughConfig
from nsm.components.endpoint.passing import leading_on
from nsm.components.forwarder import program as forwarding
from nsm.components.forwarder.config import Config as ForwarderConfig
from nsm.components.forwarder.ground import Ground
from nsm.components.manager import program as managing
from nsm.components.manager.config import Config as ManagerConfig
from nsm.components.registry import program as registering
from nsm.components.registry.config import Config as RegistryConfig
from nsm.config import load
from nsm.dataplane.carrier import Carrier
from nsm.dataplane.forward import PASS_ALL
from nsm.dataplane.netns import Key, Netns
from nsm.dataplane.plan import Underlay
from nsm.dataplane.underlay import Way
from nsm.elements.kernel import CarryThrough
from nsm.elements.registry.catalog import Catalog
from nsm.endpoint.config import Config as EndpointConfig
from nsm.endpoint.serving import ending, worker
from nsm.errors import Invalid
from nsm.identity.policies import COMMON
from nsm.node import program as holding
from nsm.node.config import Config as NodeConfig
from nsm.program import Program, Settings
from nsm.sdk import Chain, Handler, Slot
from nsm.sim.disk import DiskHandle
from nsm.sim.identity import APPS, MESH
from nsm.sim.inside import inside
from nsm.sim.joints import SimCarrier
from nsm.sim.kernel import KernelHandle
from nsm.sim.mesh import Mesh, Role, Work
from nsm.sim.process import Process
from nsm.sim.story import Client, Endpoint, Node

C = TypeVar("C", bound=Settings)

NAMES = f"{COMMON},etc/nsm/opa/registry/.*.rego"
OURS = f"{MESH}/*"
MTU = 1500
TRIES = 4
"""Pings of one look at a vWire."""


def cast_roles(mesh: Mesh) -> None:
    """Give everyone in the story a role."""
    story = mesh.story
    mesh.roles["registry"] = _registry(mesh)
    for node in story.nodes:
        for name in node.programs:
            mesh.roles[name] = _node(mesh, node, name)
    for endpoint in story.endpoints:
        mesh.roles[endpoint.name] = _endpoint(mesh, endpoint)
    for client in story.clients:
        mesh.roles[client.name] = _client(mesh, client)


def _registry(mesh: Mesh) -> Role:
    config = _load(mesh, RegistryConfig, "registry", NSM_LISTEN_ON=_registry_url(mesh))

    def work(mesh: Mesh, process: Process) -> Work:
        async def keep(config: RegistryConfig, program: Program) -> None:
            disk = DiskHandle(mesh.disk, process) if mesh.story.stored else None
            offer = registering.kept(config, program, disk)
            if disk:
                known = {record.name for each in inside(Catalog, offer) for record in each}
                disk.compare(known, mesh.complain)
            await program.serve(offer, config.listen_on)

        return keep

    return Role(f"{MESH}/registry", "hub", config, work)


def _node(mesh: Mesh, node: Node, name: str) -> Role:
    if not node.split:
        return Role(f"{MESH}/{name}", node.name, _node_config(mesh, node, name), _stand)
    if name.startswith("manager"):
        config = _load(mesh, ManagerConfig, name, **_manager_settings(mesh, node))
        return Role(f"{MESH}/{name}", node.name, config, lambda *_: managing.work)
    tunnel = mesh.hosts[node.name].ip
    settings = {"NSM_CONNECT_TO": _socket(mesh, node), "NSM_TUNNEL_IP": tunnel}
    forwarder = _load(mesh, ForwarderConfig, name, **settings)
    return Role(f"{MESH}/{name}", node.name, forwarder, _forward)


def _node_config(mesh: Mesh, node: Node, name: str) -> NodeConfig:
    return _load(
        mesh,
        NodeConfig,
        name,
        **_manager_settings(mesh, node),
        NSM_FORWARDER_NAME=f"forwarder-{node.name}",
        NSM_FORWARDER_MAX_TOKEN_LIFETIME=f"{mesh.story.lifetime_of(name):.0f}s",
        NSM_FORWARDER_REGISTRY_CLIENT_POLICIES=COMMON,
        NSM_TUNNEL_IP=mesh.hosts[node.name].ip,
    )


def _stand(mesh: Mesh, process: Process) -> Work:
    async def stand(config: NodeConfig, program: Program) -> None:
        await holding.stand(config, program, ground(mesh, process))

    return stand


def _forward(mesh: Mesh, process: Process) -> Work:
    async def forward(config: ForwarderConfig, program: Program) -> None:
        forwarded = await forwarding.forward(config, program, ground(mesh, process))
        url = program.own_socket()
        await program.serve(forwarded.offer, [url])
        await forwarded.register(config, url)

    return forward


def ground(mesh: Mesh, process: Process) -> Ground:
    """The kernel of the host, as this life of a forwarder uses it."""
    host = process.host

    async def spaces() -> tuple[Netns, ...]:
        return tuple(mesh.spaces.get(host.name, {}).values())

    return Ground(
        kernel=KernelHandle(process, mesh.chance, mesh.trace, lambda: mesh.changed()),
        mechanisms=frozenset((KERNEL, VXLAN)),
        way=Way(host.ip, Underlay(host.netns, MTU), MTU - 50),
        key=host.key,
        namespace=namespace,
        spaces=spaces,
    )


def namespace(url: str) -> Netns:
    """A namespace by the file that stands for it."""
    try:
        found = os.stat(url.removeprefix("file://"))
    except OSError as error:
        raise Invalid(f"{url[:100]} is not a network namespace") from error
    return Netns(-1, Key(found.st_dev, found.st_ino))


def _endpoint(mesh: Mesh, spec: Endpoint) -> Role:
    node = next(node for node in mesh.story.nodes if node.name == spec.node)
    config = _load(
        mesh,
        PassthroughConfig if spec.onward else EndpointConfig,
        spec.name,
        NSM_CONNECT_TO=_socket(mesh, node),
        NSM_SERVICE_NAMES=spec.service,
        NSM_PAYLOAD="IP",
        NSM_CIDR_PREFIX=spec.prefix,
        NSM_NETWORK_SERVICES=f"kernel://{spec.onward}" if spec.onward else "",
        NSM_FORWARDER_IDS=OURS,
        NSM_UNREGISTER_ITSELF="true",
        NSM_PBR_CONFIG_PATH=str(_rules(mesh, spec)),
        NSM_NETNS=f"{mesh.hosts[spec.node].folder}/{spec.name}.netns",
        NSM_STATE_DIR=str(mesh.hosts[spec.node].folder / f"{spec.name}.state"),
    )
    if spec.onward:
        return Role(f"{APPS}/{spec.name}", spec.node, config, _passthrough)
    return Role(f"{APPS}/{spec.name}", spec.node, config, _end)


def _end(mesh: Mesh, process: Process) -> Work:
    async def standing() -> frozenset[Address]:
        space, links = mesh.space(process.name), process.host.kernel.links_at.items()
        return frozenset(
            a.ip for (netns, _), link in links if netns == space for a in link.addresses
        )

    async def build(config: EndpointConfig, program: Program, needs: Needs) -> Chain[Handler]:
        return ending(config, program, needs, standing)

    return worker(build)


def _passthrough(mesh: Mesh, process: Process) -> Work:
    async def build(config: PassthroughConfig, program: Program, needs: Needs) -> Chain[Handler]:
        netns = mesh.space(process.name)
        carrier = cast("Carrier", SimCarrier(process, mesh.changed))
        carry = CarryThrough(carrier, netns, Slot[Mechanism](), PASS_ALL)
        return leading_on(config, program, needs, carry)

    return worker(build)


def _rules(mesh: Mesh, spec: Endpoint) -> Path:
    """The file of an endpoint's policy routes; one that is not there says none."""
    path = mesh.folder / f"{spec.name}.rules"
    if spec.ruled:
        path.write_text("[{proto: 6, dstport: 80}]")
    return path


def _client(mesh: Mesh, spec: Client) -> Role:
    node = next(node for node in mesh.story.nodes if node.name == spec.node)
    wishes = [f"kernel://{name}/nsm-{number}" for number, name in enumerate(spec.services)]
    config = _load(
        mesh,
        ClientConfig,
        spec.name,
        NSM_CONNECT_TO=_socket(mesh, node),
        NSM_NETWORK_SERVICES=",".join(wishes),
        NSM_NETNS=f"{mesh.hosts[spec.node].folder}/{spec.name}.netns",
        NSM_LIVENESS_CHECK_INTERVAL="500ms",
        NSM_LIVENESS_CHECK_ENABLED=str(not spec.blind).lower(),
        NSM_STATE_DIR=str(mesh.hosts[spec.node].folder / f"{spec.name}.state"),
    )

    def work(mesh: Mesh, process: Process) -> Work:
        async def keep(config: ClientConfig, program: Program) -> None:
            await asking.keep(config, program, Pings(mesh, process))

        return keep

    return Role(f"{APPS}/{spec.name}", spec.node, config, work)


@dataclass(frozen=True, slots=True)
class Pings:
    """What a client's pings find out, in the time they take."""

    mesh: Mesh
    process: Process

    async def __call__(self, conn: Connection) -> bool:
        for _ in range(TRIES):
            if self.mesh.carries(self.process.name, conn):
                return True
            await self.process.clock.sleep(1.0 / TRIES)
        return False

    async def was_moved(self, conn: Connection) -> bool:
        """Whether its interface has none of its addresses."""
        link = self.mesh.link(self.process.name, conn.mechanism.get(NAME) if conn.mechanism else "")
        return link is not None and not {str(a) for a in link.addresses} & {*conn.ip.src_ip_addrs}


def _load(mesh: Mesh, kind: type[C], name: str, **settings: str) -> C:
    said = {
        "NSM_NAME": name,
        "NSM_MAX_TOKEN_LIFETIME": f"{mesh.story.lifetime_of(name):.0f}s",
        **{f"NSM_REGISTRY_{side}_POLICIES": NAMES for side in ("SERVER", "CLIENT")},
        **settings,
    }
    return load(kind, said)


def _manager_settings(mesh: Mesh, node: Node) -> Mapping[str, str]:
    return {
        "NSM_LISTEN_ON": f"{_socket(mesh, node)},tcp://{mesh.hosts[node.name].ip}:5001",
        "NSM_REGISTRY_URL": _registry_url(mesh),
        "NSM_EXCLUDED_PREFIXES": f"{mesh.folder}/no-excluded-prefixes",
    }


def _socket(mesh: Mesh, node: Node) -> str:
    return f"unix://{mesh.hosts[node.name].folder}/nsm.sock"


def _registry_url(mesh: Mesh) -> str:
    return f"tcp://{mesh.hosts['hub'].ip}:5002"
