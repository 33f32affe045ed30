"""What W §13.1 says of deaths, on whole meshes: who is asked, how often, and what is closed."""

import asyncio

import pytest

from nsm.api.connection import Connection
from nsm.elements.lifecycle import Liveness
from nsm.errors import NsmError
from nsm.sdk import Call, Element, Handler, Request

from .counting import Count

pytestmark = pytest.mark.looptime

places = pytest.mark.parametrize("there", ["one", "two"], ids=["local", "remote"])


async def two_nodes(mesh):
    return {n: await mesh.start_node(n, ip) for n, ip in (("one", "10.0.0.1"), ("two", "10.0.0.2"))}


@places
async def test_a_dead_endpoint_is_replaced_once_and_closed_once(mesh, there: str) -> None:
    nodes = await two_nodes(mesh)
    count = Count()
    await mesh.serve("nse-1", nodes[there], count)
    web = mesh.keeper("web", nodes["one"])
    old = await web.request(Call(), mesh.wish("web-0"))
    await mesh.kill("nse-1")
    await mesh.serve("nse-2", nodes[there], count, prefixes=["172.16.2.0/24"], register=False)
    await asyncio.sleep(90)
    assert count.unique == (2, 0)
    again = await web.request(Call(), Request(old))
    assert again.endpoint == "nse-2"
    assert count.unique == (2, 0)
    await web.close(Call(), old)
    assert count.unique == (2, 1)


async def test_a_connection_outlives_the_registry_and_a_new_one_is_made_when_it_is_back(
    mesh,
) -> None:
    node = await mesh.start_node("one", "10.0.0.1")
    await mesh.serve("nse", node)
    web = mesh.keeper("web", node)
    old = await web.request(Call(), mesh.wish("web-0"))
    await mesh.kill("registry")
    mesh.start_registry()
    await asyncio.sleep(10)
    assert (await web.request(Call(), Request(old))).endpoint == "nse"
    shop = await mesh.client("shop", node).request(Call(), mesh.wish("shop-0"))
    assert shop.endpoint == "nse"


@places
@pytest.mark.parametrize("dies", [True, False], ids=["dead", "alive"])
async def test_what_carries_nothing_is_led_elsewhere_once(mesh, there: str, dies: bool) -> None:
    nodes = await two_nodes(mesh)
    count, dead = Count(), set()

    async def alive(conn: Connection) -> bool:
        return conn.endpoint not in dead

    await mesh.serve("nse-1", nodes[there], count)
    web = mesh.keeper("web", nodes["one"], Liveness(alive))
    old = await web.request(Call(), mesh.wish("web-0"))
    if dies:
        await mesh.kill("nse-1")
    dead.add("nse-1")
    await mesh.serve("nse-2", nodes[there], count, prefixes=["172.16.2.0/24"], register=False)
    await asyncio.sleep(90)
    closed = int(not dies)
    assert count.unique == (2, closed)
    again = await web.request(Call(), Request(old))
    assert again.endpoint == "nse-2"
    assert count.unique == (2, closed)
    await web.close(Call(), old)
    assert count.unique == (2, closed + 1)


@places
async def test_what_carries_stays_where_it_is_though_its_endpoint_no_longer_answers(
    mesh, there: str
) -> None:
    nodes = await two_nodes(mesh)
    other = Count()

    async def alive(conn: Connection) -> bool:
        return True

    await mesh.serve("nse-1", nodes[there])
    web = mesh.keeper("web", nodes["one"], Liveness(alive))
    await web.request(Call(), mesh.wish("web-0"))
    await mesh.kill("nse-1")
    await mesh.serve("nse-2", nodes[there], other, prefixes=["172.16.2.0/24"], register=False)
    await asyncio.sleep(90)
    assert other.requests == 0
    ends = {where for node in nodes.values() for where, _ in node.kernel.links_at}
    assert ends == {mesh.at("web"), mesh.at("nse-1")}


def through(conn: Connection) -> str:
    """The forwarder next to the client."""
    return conn.hops.segments[2].name


class Dying(Element):
    """A forwarder that is gone before it has answered a refresh."""

    def __init__(self, mesh, name: str) -> None:
        self.mesh = mesh
        self.name = name
        self.asked = 0

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        self.asked += 1
        if self.asked > 1:
            self.mesh.tasks.start("die", self.mesh.kill(self.name))
            await asyncio.Event().wait()
        return await next.request(call, request)


async def test_a_forwarder_that_dies_during_a_refresh_is_followed_by_another(
    mesh,
) -> None:
    node = await mesh.start_node("one", "10.0.0.1")
    count = Count()
    await mesh.kill("forwarder-one")
    await mesh.start_forwarder(node, 1450, Dying(mesh, "forwarder-two"), name="forwarder-two")
    await mesh.serve("nse", node, count)
    web = mesh.keeper("web", node)
    conn = await web.request(Call(), mesh.wish("web-0"))
    assert through(conn) == "forwarder-two"
    with pytest.raises(NsmError):
        await web.request(Call(), Request(conn))
    await mesh.start_forwarder(node, name="heir", labels=None)
    await asyncio.sleep(30)
    assert count.requests == 2
    conn = await web.request(Call(), Request(conn))
    assert (through(conn), count.requests) == ("heir", 3)
