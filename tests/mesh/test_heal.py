"""What W §13.1 says of deaths, on whole meshes: who is asked, how often, and what is closed."""

import asyncio

import pytest

from nsm.sdk import Call, Request

from .counting import Count

pytestmark = pytest.mark.looptime


@pytest.mark.parametrize("there", ["one", "two"], ids=["local", "remote"])
async def test_a_dead_endpoint_is_replaced_once_and_closed_once(mesh, there: str) -> None:
    nodes = {
        n: await mesh.start_node(n, ip) for n, ip in (("one", "10.0.0.1"), ("two", "10.0.0.2"))
    }
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
