"""A chain of endpoints whose end dies: it is led to another, by whoever stands before it."""

import asyncio

import pytest

from nsm.api.connection import Connection
from nsm.elements.lifecycle import Liveness
from nsm.sdk import Call, Request

from .counting import Count
from .passing import linear, pass_on

pytestmark = pytest.mark.looptime

NODES = ("one", "two", "three")


async def carries(_conn: Connection) -> bool:
    return True


@pytest.mark.parametrize("ends", [("one", "one"), ("two", "three")], ids=["local", "remote"])
async def test_the_one_that_passes_on_leads_what_carries_to_another_end(mesh, ends) -> None:
    nodes = {n: await mesh.start_node(n, f"10.0.0.{at}") for at, n in enumerate(NODES, 1)}
    wall = Count()
    await pass_on(mesh, "wall", nodes["one"], wall, labels={"step": "0"})
    for at, node in enumerate(ends):
        prefix = f"172.16.{at}.0/24"
        await mesh.serve(f"end-{at}", nodes[node], prefixes=[prefix], labels={"step": "1"})
    await mesh.change_service(nodes["one"], *linear(2))
    web = mesh.keeper("web", nodes["one"], Liveness(carries, elsewhere=carries))
    conn = await web.request(Call(), mesh.wish("web-0"))
    dead = conn.hops.segments[-1].name
    await mesh.kill(dead)
    await asyncio.sleep(5)
    again = await web.request(Call(), Request(conn))
    assert again.endpoint == "wall"
    assert {again.hops.segments[-1].name, dead} == {"end-0", "end-1"}
    assert wall.closes == 0, "nothing was closed before another had answered"
