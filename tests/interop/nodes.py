"""Nodes of ours, in the forms they are run in, and what is plugged into them."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import repeat

from tests.interop.site import Site

SERVICE = "icmp-responder"
ADDRESS = {"node": "192.0.2.1", "far": "192.0.2.2"}
"""Where the tunnels of each node start; what lies between two nodes is one veth pair."""


async def underlay(site: Site) -> None:
    """The namespaces of two nodes, and a wire between them."""
    pair = [(name, await site.space(name)) for name in ADDRESS]
    (_, far) = pair[1]
    await site.inside("node", *f"ip link add under type veth peer name under netns {far}".split())
    for name, _ in pair:
        await site.inside(name, *f"ip addr add {ADDRESS[name]}/24 dev under".split())
        await site.inside(name, *["ip", "link", "set", "under", "up"])


async def apart(site: Site) -> None:
    """A manager and a forwarder, each in a process of its own; the registry is in memory."""
    await underlay(site)
    serving = {"listen_on": site.manager(), "registry_url": ""}
    await site.start("nsm.components.manager", "manager", "node", **serving)
    forwarding = {"connect_to": site.manager(), **tunnels(site, "node")}
    await site.start("nsm.components.forwarder", "forwarder", "node", **forwarding)


async def together(site: Site) -> None:
    """Both in one process."""
    await underlay(site)
    settings = {"listen_on": site.manager(), "registry_url": "", **tunnels(site, "node")}
    await site.start("nsm.node", "manager", "node", **settings)


async def two(site: Site) -> None:
    """Two nodes, and a registry that they share."""
    await underlay(site)
    registry = f"tcp://{ADDRESS['node']}:5002"
    await site.start("nsm.components.registry", "registry", "node", listen_on=registry)
    for name, address in ADDRESS.items():
        listen_on = f"{site.manager(name)},tcp://{address}:5001"
        settings = {"listen_on": listen_on, "registry_url": registry, **tunnels(site, name)}
        named = {"forwarder_name": f"forwarder-{name}"}
        await site.start("nsm.node", f"manager-{name}", name, **settings, **named)


def tunnels(site: Site, node: str) -> dict[str, str]:
    """What a forwarder needs to know of its node."""
    return {"tunnel_ip": ADDRESS[node], "state_dir": str(site.folder / node)}


async def start_endpoint(site: Site, name: str = "icmp-server") -> None:
    """Our own endpoint, in a namespace of its own."""
    await site.space(name)
    settings = {"connect_to": site.manager(), "cidr_prefix": "10.77.0.0/24", "payload": "IP"}
    await site.start("nsm.components.endpoint", name, name, SERVICE, **settings)


async def start_client(site: Site, service: str) -> dict[str, object]:
    """Our own client, in a namespace of its own; the answer is what it tells of its vWire."""
    await site.space("client")
    asked = {"network_services": f"kernel://{service}/nsm-1", "liveness_check_enabled": "false"}
    await site.start("nsm.components.client", "nsc", "client", connect_to=site.manager(), **asked)
    return next(said["connection"] for said in reversed(site.heard) if "connection" in said)


async def comes_true(true: Callable[[], Awaitable[bool]], seconds: float = 20.0) -> None:
    """Look again and again, within a bound: the kernel says nothing of itself."""
    async with asyncio.timeout(seconds):
        for pause in repeat(0.1):
            if await true():
                return
            await asyncio.sleep(pause)
