"""A registry that comes back with nothing, on whole meshes: what carries stays where it is."""

import asyncio

import pytest

from nsm.api.connection import Connection
from nsm.elements.lifecycle import Liveness
from nsm.sdk import Call, Request

from .counting import Count

pytestmark = pytest.mark.looptime


async def carries(_conn: Connection) -> bool:
    return True


@pytest.mark.parametrize("too", [(), ("manager-one",), ("manager-two",)], ids=str)
async def test_what_carries_waits_for_its_endpoint_to_be_known_again(mesh, too) -> None:
    here, there = await mesh.start_node("one", "10.0.0.1"), await mesh.start_node("two", "10.0.0.2")
    other = Count()
    await mesh.serve("nse-1", there)
    web = mesh.keeper("web", here, Liveness(carries, elsewhere=carries))
    conn = await web.request(Call(), mesh.wish("web-0"))
    await mesh.serve("nse-2", here, other, prefixes=["172.16.2.0/24"], register=False)
    for name in ("registry", *too):
        await mesh.kill(name)
    await asyncio.sleep(8)
    mesh.start_registry()
    for name in too:
        mesh.start_manager({"manager-one": here, "manager-two": there}[name])
    await asyncio.sleep(60)
    again = await web.request(Call(), Request(conn))
    assert (again.endpoint, again.ip) == ("nse-1", conn.ip)
    assert other.requests == 0
