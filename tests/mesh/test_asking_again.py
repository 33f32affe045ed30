"""What W §13.4 says of endpoints that have their clients ask again, on whole meshes."""

import asyncio

import pytest

from nsm.elements.context import ClampMtu, ShareMtu
from nsm.elements.lifecycle import FollowUpstream
from nsm.sdk import Call, Request

from .counting import Count

pytestmark = pytest.mark.looptime


async def two_nodes(mesh):
    return {n: await mesh.start_node(n, ip) for n, ip in (("one", "10.0.0.1"), ("two", "10.0.0.2"))}


def follower(mesh, name: str, node, *then, together: bool = False):
    """A client that asks again when it is asked to."""
    follow = FollowUpstream(mesh.needs(name).watching, together=together)
    return mesh.keeper(name, node, None, lambda conn: conn, follow, *then)


@pytest.mark.parametrize("there", ["one", "two"], ids=["local", "remote"])
async def test_the_first_client_asks_again_when_a_second_has_a_smaller_mtu(mesh, there) -> None:
    nodes = await two_nodes(mesh)
    count = Count()
    await mesh.serve("nse", nodes[there], count, lambda needs: ShareMtu(needs.events))
    web = follower(mesh, "web", nodes["one"])
    first = await web.request(Call(), mesh.wish("web-0"))
    shop = follower(mesh, "shop", nodes["one"], ClampMtu(1000))
    second = await shop.request(Call(), mesh.wish("shop-0"))
    await asyncio.sleep(10)
    assert count.requests == 3
    assert second.context.mtu == 1000
    links = [link for node in nodes.values() for link in node.kernel.links_at.values()]
    assert {link.mtu for link in links} == {1000}
    again = await web.request(Call(), Request(first))
    assert again.context.mtu == 1000


@pytest.mark.parametrize("together", [True, False])
async def test_other_connections_of_a_client_that_was_asked_follow_where_they_are_to(
    mesh, together
) -> None:
    node = await mesh.start_node("one", "10.0.0.1")
    shared, alone = Count(), Count()
    await mesh.serve("nse", node, shared, lambda needs: ShareMtu(needs.events), service="shared")
    await mesh.serve("other", node, alone, prefixes=["172.16.2.0/24"], service="alone")
    web = follower(mesh, "web", node, together=together)
    await web.request(Call(), mesh.wish("web-0", "nsm-1", service="shared"))
    await web.request(Call(), mesh.wish("web-1", "nsm-2", service="alone"))
    shop = follower(mesh, "shop", node, ClampMtu(1000))
    await shop.request(Call(), mesh.wish("shop-0", service="shared"))
    await asyncio.sleep(10)
    assert (shared.requests, alone.requests) == (3, 1 + together)
