"""Two nodes and who is on them, each program a process in a namespace of its own."""

import asyncio
import subprocess
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GREET = Path(__file__).parents[2] / "examples/greet.py"
ROLES = ("one", "two", "near", "far", "nse")
REGISTRY = "tcp://10.99.0.1:5002"


def ip(*words: str) -> str:
    """What `ip` says."""
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout


@dataclass
class Site:
    """Two nodes; the first holds the registry, and the authority for all."""

    launch: Callable[..., Awaitable[Any]]
    folder: Path
    spaces: dict[str, str]

    def settings(self, name: str, **more: str) -> dict[str, str]:
        return {
            "netns": self.spaces[name],
            "NSM_NAME": name,
            "NSM_LOG_LEVEL": "TRACE",
            "SPIFFE_ENDPOINT_SOCKET": f"unix://{self.folder}/agent.sock",
            **more,
        }

    async def start_node(self, name: str, *words: str, **more: str) -> Any:
        address = {"one": "10.99.0.1", "two": "10.99.0.2"}[name]
        node = await self.launch(
            *("nsm.node", *words),
            **self.settings(
                name,
                NSM_LISTEN_ON=f"unix://{self.folder}/{name}.sock,tcp://{address}:5001",
                NSM_TUNNEL_IP=address,
                NSM_FORWARDER_NAME=f"forwarder-{name}",
                NSM_STATE_DIR=str(self.folder / name),
                **more,
            ),
        )
        await node.ready()
        return node

    async def start_client(self, name: str, node: str) -> tuple[Any, dict[str, Any]]:
        client = await self.launch(
            "nsm.components.client",
            **self.settings(
                name,
                NSM_CONNECT_TO=f"unix://{self.folder}/{node}.sock",
                NSM_NETWORK_SERVICES="kernel://greetings/nsm-1",
            ),
        )
        news = await client.tells(lambda one: one.get("connection", {}).get("state") == "up")
        return client, news["connection"]

    def interfaces(self, name: str) -> str:
        return ip("-n", self.spaces[name], "-o", "link")

    def pings(self, name: str, address: str) -> bool:
        command = ["ip", "netns", "exec", self.spaces[name], "ping", "-c1", "-W3", address]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    async def start_first(self) -> Any:
        """The first node, which holds the registry, and the authority for all."""
        return await self.start_node(
            *("one", "--registry", "--identity"),
            NSM_REGISTRY_LISTEN_ON=REGISTRY,
            NSM_IDENTITY_TRUST_DOMAIN="test",
            NSM_IDENTITY_LISTEN_ON=f"unix://{self.folder}/agent.sock",
            NSM_IDENTITY_ENTRIES=str(self.folder / "entries.yaml"),
        )

    async def start_endpoint(self, what: str = str(GREET), **more: str) -> Any:
        """One that serves greetings, ready."""
        nse = await self.launch(
            *("nsm.components.endpoint", what),
            **self.settings(
                "nse",
                NSM_CONNECT_TO=f"unix://{self.folder}/one.sock",
                NSM_SERVICE_NAMES="greetings",
                NSM_LISTEN_ON=f"unix://{self.folder}/nse.sock",
                NSM_CIDR_PREFIX="172.16.9.0/24",
                **more,
            ),
        )
        await nse.ready()
        return nse

    async def bare(self, *names: str) -> None:
        """Until nothing but the loopback is in these namespaces: the kernel takes its time."""
        async with asyncio.timeout(10):
            while any(self.interfaces(one).count("\n") != 1 for one in names):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
