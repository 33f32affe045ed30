"""A Go client and a Go endpoint through a node of ours, on a real kernel."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import repeat
from pathlib import Path

import pytest
from tests.interop.site import Site

US, GO = "spiffe://test/python", "spiffe://test/go"
SERVICE = "icmp-responder"

pytestmark = [pytest.mark.interop, pytest.mark.linux]


@pytest.fixture
async def empty(tmp_path: Path, agent: str) -> AsyncIterator[Site]:
    """A site where nothing runs."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    site = Site(tmp_path / "site", agent)
    yield site
    await site.close()


TUNNEL = "192.0.2.1"


async def underlay(site: Site) -> None:
    """A node's namespace, and an address in it that no tunnel will ever use."""
    await site.space("node")
    for words in (
        "link add under type veth peer name far",
        f"addr add {TUNNEL}/24 dev under",
        "link set under up",
    ):
        await site.inside("node", "ip", *words.split())


async def apart(site: Site) -> None:
    """A manager and a forwarder, each in a process of its own."""
    await underlay(site)
    await site.start(
        "nsm.components.manager", "manager", "node", listen_on=site.manager, registry_url=""
    )
    await site.start(
        "nsm.components.forwarder",
        "forwarder",
        "node",
        connect_to=site.manager,
        tunnel_ip=TUNNEL,
        state_dir=str(site.folder),
    )


async def together(site: Site) -> None:
    """Both in one process."""
    await underlay(site)
    await site.start(
        "nsm.node",
        "manager",
        "node",
        listen_on=site.manager,
        registry_url="",
        tunnel_ip=TUNNEL,
        state_dir=str(site.folder),
    )


@pytest.fixture(params=[apart, together], ids=lambda way: way.__name__)
async def site(request, empty: Site) -> Site:
    """A node of ours, in either form."""
    await request.param(empty)
    return empty


@pytest.fixture
async def node(empty: Site) -> Site:
    """A node of ours in one process."""
    await together(empty)
    return empty


async def start_endpoint(site: Site, name: str = "icmp-server") -> None:
    """Our own endpoint, in a namespace of its own."""
    await site.space(name)
    await site.start(
        "nsm.components.endpoint",
        name,
        name,
        SERVICE,
        connect_to=site.manager,
        cidr_prefix="10.77.0.0/24",
        payload="IP",
    )


async def start_client(site: Site, service: str) -> dict[str, object]:
    """Our own client, in a namespace of its own."""
    await site.space("client")
    await site.start(
        "nsm.components.client",
        "nsc",
        "client",
        connect_to=site.manager,
        network_services=f"kernel://{service}/nsm-1",
        liveness_check_enabled="false",
    )
    return next(said["connection"] for said in reversed(site.heard) if "connection" in said)


async def comes_true(true: Callable[[], Awaitable[bool]], seconds: float = 20.0) -> None:
    """Look again and again, within a bound: the kernel says nothing of itself."""
    async with asyncio.timeout(seconds):
        for pause in repeat(0.1):
            if await true():
                return
            await asyncio.sleep(pause)


async def test_a_go_client_gets_a_vwire_keeps_it_and_gives_it_back(site, peers) -> None:
    await start_endpoint(site)
    netns = await site.space("go")
    inode = f"inode://{os.stat(netns).st_dev}/{os.stat(netns).st_ino}"
    client = await peers("client", "-to", site.manager, "-service", SERVICE, "-netns", netns)
    first, second = await client.says("connected"), await client.says("connected")

    assert first["path"] == ["go", "manager", "forwarder", "icmp-server"]
    assert (first["id"], first["index"], first["state"]) == ("go-0", 0, "UP")
    assert (first["mechanism"], first["inode"], first["interface"]) == ("KERNEL", inode, "nsm-1")
    assert (first["expiring"], first["endpoint"]) == (4, "icmp-server")
    assert (first["src"], first["dst"]) == (["10.77.0.1/32"], ["10.77.0.0/32"])
    moved = {"seconds"}
    assert {k: v for k, v in second.items() if k not in moved} == {
        k: v for k, v in first.items() if k not in moved
    }

    assert await site.interfaces("go") == {"nsm-1"}
    assert await site.addresses("go", "nsm-1") == first["src"]
    assert "1 received" in await site.pings("go", first["dst"][0])
    assert len(await site.interfaces("icmp-server")) == 1

    event = await client.says("watched", type="UPDATE")
    assert (event["key"], event["index"]) == (first["ids"][1], 1)
    assert (event["ids"], event["state"]) == (first["ids"], "UP")

    assert {"event": "closed", "ok": True} in await client.end()
    assert await site.interfaces("go") == set()
    assert await site.interfaces("icmp-server") == set()


async def test_a_go_client_hears_that_its_endpoint_died_and_that_it_closed(node, peers) -> None:
    await start_endpoint(node)
    netns = await node.space("go")
    client = await peers("client", "-to", node.manager, "-service", SERVICE, "-netns", netns)
    await client.says("connected")
    key = (await client.says("connected"))["ids"][1]
    await node.stop("icmp-server", signal.SIGKILL)
    down = await client.says("watched", state="DOWN")
    assert (down["key"], down["index"], down["type"]) == (key, 1, "UPDATE")
    events = [said for said in await client.end() if said["event"] == "watched"]
    assert (events[-1]["key"], events[-1]["type"]) == (key, "DELETE")
    assert await node.interfaces("go") == set()


async def test_what_a_killed_go_client_had_goes_when_its_token_has_expired(site, peers) -> None:
    await start_endpoint(site)
    netns = await site.space("go")
    brief = ("-lifetime", "5s", "-timeout", "3s")
    asked = ("-to", site.manager, "-service", SERVICE, "-netns", netns)
    client = await peers("client", *asked, *brief)
    await client.says("connected")
    await client.says("connected")
    await client.kill()
    assert await site.interfaces("go") == {"nsm-1"}

    async def gone() -> bool:
        return not await site.interfaces("go") and not await site.interfaces("icmp-server")

    await comes_true(gone)


async def test_a_go_endpoint_is_registered_found_by_our_client_and_pinged(site, peers) -> None:
    netns = await site.space("go")
    endpoint = await peers(
        *("endpoint", "-to", site.manager, "-service", "go-service", "-name", "go-nse"),
        *("-netns", netns, "-iface", "nsm-nse"),
    )
    registered = await endpoint.says("registered")
    assert registered["url"] == registered["asked url"]
    assert registered["ids"][:2] == [GO, US]
    expires = datetime.fromisoformat(registered["expires"]) - datetime.now(UTC)
    assert timedelta(seconds=30) < expires <= timedelta(minutes=1)
    assert await endpoint.says("seen") == {"event": "seen", "name": "go-nse", "deleted": False}

    story = await start_client(site, "go-service")
    assert (story["endpoint"], story["state"]) == ("go-nse", "up")
    request = await endpoint.says("request")
    assert request["path"] == ["nsc", "manager", "forwarder", "go-nse"]
    assert (request["id"], request["index"]) == (request["ids"][2], 2)
    assert await site.interfaces("go") == {"nsm-nse"}
    assert "1 received" in await site.pings("client", "172.20.0.0")
    assert "1 received" in await site.pings("go", "172.20.0.1")

    await site.stop("nsc")
    assert (await endpoint.says("close"))["id"] == request["id"]
    assert await site.interfaces("go") == set()
    assert {"event": "unregistered", "ok": True} in await endpoint.end()


async def test_both_ends_may_be_go(site, peers) -> None:
    near, far = await site.space("near"), await site.space("far")
    there = ("-to", site.manager, "-service", "go-service")
    endpoint = await peers("endpoint", *there, "-name", "nse", "-netns", far, "-iface", "nsm-nse")
    await endpoint.says("registered")
    client = await peers("client", *there, "-name", "nsc", "-netns", near)
    connected = await client.says("connected")
    assert connected["path"] == ["nsc", "manager", "forwarder", "nse"]
    assert "1 received" in await site.pings("near", connected["dst"][0])
    await client.says("connected")
    assert {"event": "closed", "ok": True} in await client.end()
    assert (await endpoint.says("close"))["id"] == connected["ids"][2]
    assert await site.interfaces("near") | await site.interfaces("far") == set()


async def test_our_client_goes_on_with_another_go_endpoint_when_one_is_killed(node, peers) -> None:
    endpoints = {}
    for name in ("one", "two"):
        netns = await node.space(name)
        there = ("-to", node.manager, "-service", "go-service", "-name", name, "-netns", netns)
        endpoints[name] = await peers("endpoint", *there, "-iface", f"nsm-{name}")
        await endpoints[name].says("registered")
    served = str((await start_client(node, "go-service"))["endpoint"])
    other = {"one": "two", "two": "one"}[served]
    await endpoints[served].kill()
    story = await node.hears("nsc", state="up", endpoint=other)
    assert story["path"] == ["nsc", "manager", "forwarder", other]
    assert "1 received" in await node.pings("client", "172.20.0.0")
    assert await node.interfaces(served) == set()
