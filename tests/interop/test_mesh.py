"""A Go client and a Go endpoint through nodes of ours, on a real kernel."""

import os
import signal
from datetime import UTC, datetime, timedelta
from statistics import median

import pytest
from tests.interop.nodes import SERVICE, comes_true, start_client, start_endpoint, two

US, GO = "spiffe://test/python", "spiffe://test/go"
pytestmark = [pytest.mark.interop, pytest.mark.linux]


async def test_a_go_client_gets_a_vwire_keeps_it_and_gives_it_back(site, peers) -> None:
    await start_endpoint(site)
    netns = await site.space("go")
    inode = f"inode://{os.stat(netns).st_dev}/{os.stat(netns).st_ino}"
    client = await peers("client", "-to", site.manager(), "-service", SERVICE, "-netns", netns)
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


@pytest.mark.slow
async def test_many_vwires_of_a_go_client_are_made_one_by_one(site, peers, figures) -> None:
    await start_endpoint(site)
    netns = await site.space("go")
    took, clients = [], []
    for number in range(10):
        asked = ("-to", site.manager(), "-service", SERVICE, "-netns", netns)
        own = ("-name", f"go-{number}", "-iface", f"nsm-{number}")
        clients.append(await peers("client", *asked, *own))
        took.append((await clients[-1].says("connected"))["seconds"] * 1000)
        await clients[-1].says("connected")
    assert len(await site.interfaces("go")) == 10
    form = "node" if len(site.programs) == 2 else "manager and forwarder"
    figures.append(
        f"a Go client's vWire through our {form}:"
        f" median {median(took):.1f} ms, most {max(took):.1f} ms"
    )
    for client in clients:
        assert {"event": "closed", "ok": True} in await client.end()
    assert await site.interfaces("go") == set()


async def test_a_go_client_hears_that_its_endpoint_died_and_that_it_closed(node, peers) -> None:
    await start_endpoint(node)
    netns = await node.space("go")
    client = await peers("client", "-to", node.manager(), "-service", SERVICE, "-netns", netns)
    await client.says("connected")
    key = (await client.says("connected"))["ids"][1]
    await node.stop("icmp-server", signal.SIGKILL)
    down = await client.says("watched", state="DOWN")
    assert (down["key"], down["index"], down["type"]) == (key, 1, "UPDATE")
    events = [said for said in await client.end() if said["event"] == "watched"]
    assert (events[-1]["key"], events[-1]["type"]) == (key, "DELETE")
    assert await node.interfaces("go") == set()


@pytest.mark.slow
async def test_what_a_killed_go_client_had_goes_when_its_token_has_expired(site, peers) -> None:
    await start_endpoint(site)
    netns = await site.space("go")
    brief = ("-lifetime", "5s", "-timeout", "3s")
    asked = ("-to", site.manager(), "-service", SERVICE, "-netns", netns)
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
        *("endpoint", "-to", site.manager(), "-service", "go-service", "-name", "go-nse"),
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
    near, other = await site.space("near"), await site.space("other")
    there = ("-to", site.manager(), "-service", "go-service")
    endpoint = await peers("endpoint", *there, "-name", "nse", "-netns", other, "-iface", "nsm-nse")
    await endpoint.says("registered")
    client = await peers("client", *there, "-name", "nsc", "-netns", near)
    connected = await client.says("connected")
    assert connected["path"] == ["nsc", "manager", "forwarder", "nse"]
    assert "1 received" in await site.pings("near", connected["dst"][0])
    await client.says("connected")
    assert {"event": "closed", "ok": True} in await client.end()
    assert (await endpoint.says("close"))["id"] == connected["ids"][2]
    assert await site.interfaces("near") | await site.interfaces("other") == set()


async def test_our_client_goes_on_with_another_go_endpoint_when_one_is_killed(node, peers) -> None:
    endpoints = {}
    for name in ("one", "two"):
        netns = await node.space(name)
        there = ("-to", node.manager(), "-service", "go-service", "-name", name, "-netns", netns)
        endpoints[name] = await peers("endpoint", *there, "-iface", f"nsm-{name}")
        await endpoints[name].says("registered")
    served = str((await start_client(node, "go-service"))["endpoint"])
    other = {"one": "two", "two": "one"}[served]
    await endpoints[served].kill()
    story = await node.hears("nsc", state="up", endpoint=other)
    assert story["path"] == ["nsc", "manager", "forwarder", other]
    assert "1 received" in await node.pings("client", "172.20.0.0")
    assert await node.interfaces(served) == set()


async def test_an_orderly_end_of_our_manager_is_none_that_stops_a_go_client_healing(
    node, peers
) -> None:
    await start_endpoint(node)
    netns = await node.space("go")
    client = await peers("client", "-to", node.manager(), "-service", SERVICE, "-netns", netns)
    await client.says("connected")
    await client.says("connected")
    await node.stop("manager")
    assert "code = Unavailable" in (await client.says("unwatched"))["error"]


@pytest.mark.slow
async def test_a_killed_go_endpoint_is_forgotten_when_its_token_has_expired(node, peers) -> None:
    there = ("-to", node.manager(), "-service", "go-service", "-name", "nse")
    endpoint = await peers("endpoint", *there, "-lifetime", "4s", "-timeout", "2s")
    await endpoint.says("registered")
    await endpoint.kill()

    async def forgotten() -> bool:
        found = await peers("find", "-to", node.manager(), "-service", "go-service")
        return (await found.says("found"))["names"] == []

    assert not await forgotten()
    await comes_true(forgotten)


async def test_a_go_client_and_a_go_endpoint_meet_across_two_nodes(empty, peers) -> None:
    await two(empty)
    here, there = await empty.space("here"), await empty.space("there")
    serving = ("-to", empty.manager("far"), "-service", "go-service", "-name", "nse")
    endpoint = await peers("endpoint", *serving, "-netns", there, "-iface", "nsm-nse")
    assert (await endpoint.says("registered"))["ids"] == [GO, US, US]
    asked = ("-to", empty.manager(), "-service", "go-service", "-name", "nsc", "-netns", here)
    client = await peers("client", *asked)
    connected = await client.says("connected")
    ours = ["manager-node", "forwarder-node", "manager-far", "forwarder-far"]
    assert connected["path"] == ["nsc", *ours, "nse"]
    assert connected["expiring"] == 6
    assert "1 received" in await empty.pings("here", connected["dst"][0])
    assert (await client.says("connected"))["ids"] == connected["ids"]
    assert {"event": "closed", "ok": True} in await client.end()
    assert (await endpoint.says("close"))["id"] == connected["ids"][4]
    assert await empty.interfaces("here") | await empty.interfaces("there") == set()
