"""What W §13.1 and §13.2 say of forwarders and managers that come and go, on whole meshes."""

import asyncio
from contextlib import suppress

import pytest

from nsm.api.connection import Connection
from nsm.elements.lifecycle import Liveness
from nsm.errors import NsmError, Unreachable
from nsm.sdk import Call, Element, Handler, Request

from .counting import Count

pytestmark = pytest.mark.looptime

TEN = tuple(f"forwarder-{n}" for n in range(10))


def through(conn: Connection) -> str:
    """The forwarder next to the client."""
    return conn.hops.segments[2].name


async def two_nodes(mesh):
    return {n: await mesh.start_node(n, ip) for n, ip in (("one", "10.0.0.1"), ("two", "10.0.0.2"))}


async def carries(_conn: Connection) -> bool:
    return True


async def test_a_forwarder_is_kept_over_ten_restarts_of_the_manager_by_the_path(mesh) -> None:
    node = await mesh.start_node("one", "10.0.0.1")
    others = Count()
    await mesh.serve("nse", node)
    web = mesh.client("web", node)
    conn = await web.request(Call(), mesh.wish("web-0"))
    first = through(conn)
    for other in TEN:
        await mesh.start_forwarder(node, 1450, others, name=other)
        await mesh.kill("manager-one")
        mesh.start_manager(node)
        await asyncio.sleep(10)
        conn = await web.request(Call(), Request(conn))
        assert (through(conn), others.requests) == (first, 0)


@pytest.mark.parametrize("alive", [None, Liveness(carries)], ids=["blind", "carrying"])
async def test_a_restarted_manager_is_asked_once_and_again_by_its_user(mesh, alive) -> None:
    node = await mesh.start_node("one", "10.0.0.1")
    count = Count()
    await mesh.serve("nse", node, count)
    web = mesh.keeper("web", node, alive)
    old = await web.request(Call(), mesh.wish("web-0"))
    await mesh.kill("manager-one")
    mesh.start_manager(node)
    await asyncio.sleep(20)
    assert count.requests == 2
    conn = await web.request(Call(), Request(old))
    assert count.requests == 3
    await web.close(Call(), conn)
    assert node.kernel.empty


async def test_a_dead_manager_of_the_endpoints_node_leads_to_an_endpoint_on_a_third(mesh) -> None:
    nodes = await two_nodes(mesh)
    third = await mesh.start_node("three", "10.0.0.3")
    count = Count()
    await mesh.serve("nse-1", nodes["two"], count)
    web = mesh.keeper("web", nodes["one"])
    old = await web.request(Call(), mesh.wish("web-0"))
    await mesh.serve("nse-2", third, count, prefixes=["172.16.2.0/24"], register=False)
    await mesh.kill("manager-two")
    await asyncio.sleep(20)
    conn = await web.request(Call(), Request(old))
    assert conn.endpoint == "nse-2"
    assert count.unique == (2, 0)
    await web.close(Call(), conn)
    assert count.unique == (2, 1)


async def test_the_forwarder_may_be_another_after_a_close(mesh) -> None:
    node = await mesh.start_node("one", "10.0.0.1")
    await mesh.serve("nse", node)
    for other in TEN:
        await mesh.start_forwarder(node, name=other)
    web = mesh.client("web", node)
    conn = await web.request(Call(), mesh.wish("web-0"))
    await web.close(Call(), conn)
    first = through(conn)
    await mesh.kill(first)
    async with asyncio.timeout(120):
        assert through(await web.request(Call(), mesh.wish("web-0"))) != first


async def test_what_carries_keeps_its_forwarder_when_that_and_the_registry_restart(mesh) -> None:
    node = await mesh.start_node("one", "10.0.0.1")
    await mesh.start_forwarder(node, name="forwarder-b")
    count = Count()
    await mesh.serve("nse", node, count)
    web = mesh.keeper("web", node, Liveness(carries))
    conn = await web.request(Call(), mesh.wish("web-0"))
    first = through(conn)
    await mesh.kill(first)
    await mesh.kill("registry")
    mesh.start_registry()
    await mesh.start_forwarder(node, name=first)
    await asyncio.sleep(20)
    again = await web.request(Call(), Request(conn))
    assert (through(again), count.closes) == (first, 0)


class Once(Element):
    """An endpoint that answers its first request, and refuses every later one."""

    answered = False

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        if self.answered:
            raise Unreachable("no more")
        self.answered = True
        return await next.request(call, request)


async def test_a_refused_refresh_of_what_does_not_carry_leads_to_another_endpoint_once(
    mesh,
) -> None:
    node = await mesh.start_node("one", "10.0.0.1")
    other = Count()
    await mesh.serve("nse-1", node, Once())
    dead: set[str] = set()

    async def alive(conn: Connection) -> bool:
        return conn.endpoint not in dead

    web = mesh.keeper("web", node, Liveness(alive))
    conn = await web.request(Call(), mesh.wish("web-0"))
    await mesh.serve("nse-2", node, other, prefixes=["172.16.2.0/24"], register=False)
    with pytest.raises(NsmError):
        await web.request(Call(), Request(conn))
    dead.add("nse-1")
    await asyncio.sleep(20)
    assert other.unique == (1, 0)
    assert (await web.request(Call(), Request(conn))).endpoint == "nse-2"


async def test_closing_when_endpoint_and_manager_are_gone_ends_and_leaves_nothing(mesh) -> None:
    node = await mesh.start_node("one", "10.0.0.1")
    await mesh.serve("nse", node)
    web = mesh.keeper("web", node)
    conn = await web.request(Call(), mesh.wish("web-0"))
    await mesh.kill("nse")
    await mesh.kill("manager-one")
    async with asyncio.timeout(30):
        with suppress(NsmError):
            await web.close(Call(), conn)
    await asyncio.sleep(1)
    assert len(mesh.running["web"].tasks) == 0
