"""A forwarder that is replaced for good by another of its node: what it built is taken over."""

import asyncio
from dataclasses import replace

import pytest

from nsm.api.connection import Connection
from nsm.elements.lifecycle import Liveness
from nsm.sdk import Call, Request

from .counting import Count

pytestmark = pytest.mark.looptime

NODES = (("one", "10.0.0.1"), ("two", "10.0.0.2"))


async def carries(_conn: Connection) -> bool:
    return True


def names(conn: Connection) -> list[str]:
    return [segment.name for segment in conn.hops.segments]


@pytest.mark.parametrize("alive", [None, Liveness(carries)], ids=["blind", "carrying"])
@pytest.mark.parametrize("whose", ["one", "two"], ids=["local", "remote"])
async def test_another_forwarder_takes_over_and_the_endpoint_is_asked_once_more(
    mesh, whose: str, alive: Liveness | None
) -> None:
    nodes = {name: await mesh.start_node(name, ip) for name, ip in NODES}
    count = Count()
    await mesh.serve("nse", nodes["two"], count)
    web = mesh.keeper("web", nodes["one"], alive)
    old = await web.request(Call(), mesh.wish("web-0"))
    await mesh.kill(f"forwarder-{whose}")
    await mesh.start_forwarder(nodes[whose], name="heir", labels=None)
    await asyncio.sleep(30)
    assert count.requests == 2
    closes = count.closes
    conn = await web.request(Call(), Request(old))
    assert names(conn)[{"one": 2, "two": 4}[whose]] == "heir"
    assert (count.requests, count.closes) == (3, closes)
    await web.close(Call(), conn)
    assert count.closes == closes + 1
    assert all(node.kernel.empty for node in nodes.values())


async def test_what_carries_is_taken_over_as_it_stands(mesh) -> None:
    node = await mesh.start_node("one", "10.0.0.1")
    await mesh.start_forwarder(node, name="heir")
    await mesh.serve("nse", node)
    web = mesh.keeper("web", node, Liveness(carries))
    conn = await web.request(Call(), mesh.wish("web-0"))
    first = names(conn)[2]
    stood = node.kernel.links_at[mesh.at("web"), "nsm-1"].index
    await mesh.kill(first)
    await asyncio.sleep(30)
    again = await web.request(Call(), Request(conn))
    assert names(again)[2] != first
    assert node.kernel.links_at[mesh.at("web"), "nsm-1"].index == stood
    assert len(node.kernel.links_at) == 2


async def test_on_another_node_nobody_follows(mesh) -> None:
    for number, name in enumerate(("one", "two", "three"), 1):
        await mesh.start_node(name, f"10.0.0.{number}")
    await mesh.serve("old", mesh.nodes["two"])
    web = mesh.client("web", mesh.nodes["one"])
    conn = await web.request(Call(), mesh.wish("web-0"))
    await mesh.serve("new", mesh.nodes["three"])
    moved = await web.request(Call(), Request(replace(conn, endpoint="new")))
    assert names(moved)[3:] == ["manager-three", "forwarder-three", "new"]
    assert [one.id for one in moved.hops.segments[:3]] == [one.id for one in conn.hops.segments[:3]]
    assert not {one.id for one in moved.hops.segments[3:]} & {one.id for one in conn.hops.segments}
    await web.close(Call(), moved)
    await asyncio.sleep(30)
    assert all(node.kernel.empty for node in mesh.nodes.values())
