"""Nodes as processes of their own, with clients in namespaces of theirs: the real thing."""

import asyncio
import secrets
import signal
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.linux

GREET = Path(__file__).parents[2] / "examples/greet.py"
ROLES = ("one", "two", "near", "far", "nse")
REGISTRY = "tcp://10.99.0.1:5002"


def ip(*words: str) -> str:
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def spaces() -> Iterator[dict[str, str]]:
    """Namespaces for two nodes, joined by a cable, and for those on them."""
    names = {role: f"nsm-{secrets.token_hex(3)}-{role}" for role in ROLES}
    try:
        for name in names.values():
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
        one, two = names["one"], names["two"]
        ip("-n", one, "link", "add", "eth0", "type", "veth", "peer", "eth0", "netns", two)
        for name, address in ((one, "10.99.0.1/24"), (two, "10.99.0.2/24")):
            ip("-n", name, "address", "add", address, "dev", "eth0")
            ip("-n", name, "link", "set", "eth0", "up")
        yield names
    finally:
        for name in names.values():
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


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


@pytest.fixture
async def site(launch, tmp_path: Path, spaces: dict[str, str]) -> AsyncIterator[Site]:
    site = Site(launch, tmp_path, spaces)
    who = "".join(
        f"- {{id: spiffe://test/{role}, netns: /run/netns/{name}}}\n"
        for role, name in spaces.items()
    )
    (tmp_path / "entries.yaml").write_text(f"entries:\n{who}")
    return site


async def test_two_nodes_and_who_is_on_them_from_the_first_word_to_the_last(site: Site) -> None:
    one = await site.start_node(
        *("one", "--registry", "--identity"),
        NSM_REGISTRY_LISTEN_ON=REGISTRY,
        NSM_IDENTITY_TRUST_DOMAIN="test",
        NSM_IDENTITY_LISTEN_ON=f"unix://{site.folder}/agent.sock",
        NSM_IDENTITY_ENTRIES=str(site.folder / "entries.yaml"),
    )
    two = await site.start_node("two", NSM_REGISTRY_URL=REGISTRY)
    nse = await site.launch(
        *("nsm.components.endpoint", str(GREET)),
        **site.settings(
            "nse",
            NSM_CONNECT_TO=f"unix://{site.folder}/one.sock",
            NSM_SERVICE_NAMES="greetings",
            NSM_LISTEN_ON=f"unix://{site.folder}/nse.sock",
            NSM_CIDR_PREFIX="172.16.9.0/24",
        ),
    )
    await nse.ready()
    (near, beside), (far, away) = await asyncio.gather(
        site.start_client("near", "one"), site.start_client("far", "two")
    )

    assert beside["path"] == ["near", "one", "forwarder-one", "nse"]
    assert away["path"] == ["far", "two", "forwarder-two", "one", "forwarder-one", "nse"]
    assert (beside["remote_mechanism"], away["remote_mechanism"]) == (None, "VXLAN")
    for name, wire in (("near", beside), ("far", away)):
        assert site.pings(name, wire["dst"][0].partition("/")[0])

    for name, wire in (("near", beside), ("far", away)):
        await nse.says(f"hello {name} {wire['src'][0]}")

    assert await far.ends(signal.SIGTERM) == 0
    await nse.says("goodbye far")
    assert "nsm-1" not in site.interfaces("far")
    assert "nsm-1" in site.interfaces("near")
    assert await near.ends(signal.SIGTERM) == 0
    for program in (nse, two, one):
        assert await program.ends(signal.SIGTERM) == 0
    for name in ROLES:
        assert site.interfaces(name).count("\n") == (2 if name in ("one", "two") else 1)
    assert not list(site.folder.glob("*.sock"))

    for program in (one, two, nse, near, far):
        assert "DEBUG" in program.said
        assert "eyJ" not in program.said, "a token is in the log"
        assert "PRIVATE KEY" not in program.said
        assert "Traceback" not in program.said
        assert "inproc://" not in (near.said + far.said + nse.said)


async def test_a_node_whose_authority_cannot_begin_says_why_and_ends(site: Site) -> None:
    (site.folder / "bad.yaml").write_text("entries: [{}]")
    node = await site.launch(
        *("nsm.node", "--identity"),
        **site.settings(
            "one",
            NSM_TUNNEL_IP="10.99.0.1",
            NSM_IDENTITY_LISTEN_ON=f"unix://{site.folder}/agent.sock",
            NSM_IDENTITY_ENTRIES=str(site.folder / "bad.yaml"),
        ),
    )
    assert await node.ends() == 1
    assert "without selectors" in node.said
    assert "Traceback" not in node.said


async def test_a_node_that_does_not_have_its_tunnels_address_says_so(
    site: Site, workload_api: str
) -> None:
    node = await site.launch(
        "nsm.node",
        **site.settings(
            "two",
            NSM_TUNNEL_IP="192.0.2.1",
            NSM_STATE_DIR=str(site.folder),
            SPIFFE_ENDPOINT_SOCKET=workload_api,
        ),
    )
    assert await node.ends() == 1
    assert "no interface here has the address 192.0.2.1" in node.said
    assert "Traceback" not in node.said


async def test_every_program_may_be_a_process_of_its_own(site: Site) -> None:
    """The same without `nsm node`: as on separate machines, and as upstream's are run."""
    folder = site.folder
    authority = await site.launch(
        "nsm.components.identity",
        **site.settings(
            "one",
            NSM_TRUST_DOMAIN="test",
            NSM_LISTEN_ON=f"unix://{folder}/agent.sock",
            NSM_ENTRIES=str(folder / "entries.yaml"),
        ),
    )
    await authority.ready()
    registry = await site.launch(
        "nsm.components.registry", **site.settings("one", NSM_LISTEN_ON=REGISTRY)
    )
    manager = await site.launch(
        "nsm.components.manager",
        **site.settings(
            "one", NSM_LISTEN_ON=f"unix://{folder}/one.sock", NSM_REGISTRY_URL=REGISTRY
        ),
    )
    forwarder = await site.launch(
        "nsm.components.forwarder",
        **site.settings(
            "one",
            NSM_NAME="forwarder-one",
            NSM_CONNECT_TO=f"unix://{folder}/one.sock",
            NSM_TUNNEL_IP="10.99.0.1",
            NSM_STATE_DIR=str(folder / "one"),
        ),
    )
    nse = await site.launch(
        *("nsm.components.endpoint", "icmp-responder"),
        **site.settings(
            "nse",
            NSM_CONNECT_TO=f"unix://{folder}/one.sock",
            NSM_SERVICE_NAMES="greetings",
            NSM_UNREGISTER_ITSELF="true",
        ),
    )
    programs = [registry, manager, forwarder, nse]
    await asyncio.gather(*(program.ready() for program in programs))
    near, wire = await site.start_client("near", "one")

    assert wire["path"] == ["near", "one", "forwarder-one", "nse"]
    assert site.pings("near", wire["dst"][0].partition("/")[0])
    for program in (near, *reversed(programs), authority):
        assert await program.ends(signal.SIGTERM) == 0
        assert "Traceback" not in program.said
        assert "eyJ" not in program.said
    assert site.interfaces("near").count("\n") == 1
    assert not list(folder.glob("*.sock"))
