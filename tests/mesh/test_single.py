"""What W §13.3 says of one node by itself: sockets only, late servers, tokens that run out."""

import asyncio

import pytest

from nsm.api.connection import Connection, Request
from nsm.api.names import NsUrl
from nsm.api.registration import Endpoint, Query
from nsm.chains.registry import endpoint_client
from nsm.elements.lifecycle import Retry
from nsm.sdk import Call, Element, Handler, chain

from .counting import Count

pytestmark = pytest.mark.looptime


async def found(mesh, name: str) -> list[str]:
    """What the registry says of that endpoint."""
    asked = endpoint_client(mesh.registering("someone"), mesh.registry)
    call = Call(deadline=mesh.clock.ticks() + 5)
    return [answer.record.name async for answer in asked.find(call, Query(Endpoint(name)))]


async def test_a_domain_of_unix_sockets_only_connects_refreshes_and_closes(unix_mesh) -> None:
    node = await unix_mesh.start_node("one", "10.0.0.1")
    count = Count()
    await unix_mesh.serve("nse", node, count)
    web = unix_mesh.client("web", node)
    conn = await web.request(Call(), unix_mesh.wish("web-0"))
    assert [s.name for s in conn.hops.segments] == ["web", "manager-one", "forwarder-one", "nse"]
    conn = await web.request(Call(), Request(conn))
    await web.close(Call(), conn)
    assert (count.requests, count.closes) == (2, 1)
    assert node.kernel.empty
    assert {url.partition(":")[0] for r in unix_mesh.running.values() for url in r.urls} == {"unix"}


async def test_an_endpoint_that_serves_a_second_after_it_registered_is_waited_for(mesh) -> None:
    node = await mesh.start_node("one", "10.0.0.1")
    url = mesh.listen("nse")
    await mesh.change_service(node)
    early = Endpoint("nse", ("vpn",), {}, url)
    await mesh.registrations("nse", node).register(Call(), early)
    retrying = chain(Retry(mesh.clock)).bind(mesh.client("web", node))
    asked = asyncio.ensure_future(retrying.request(Call(), mesh.wish("web-0")))
    await asyncio.sleep(1)
    assert not asked.done()
    await mesh.serve("nse", node, register=False, url=url)
    async with asyncio.timeout(15):
        assert (await asked).endpoint == "nse"


async def test_services_of_one_group_may_give_the_same_addresses_and_others_may_not(mesh) -> None:
    node = await mesh.start_node("one", "10.0.0.1")
    for name in ("nse-1", "nse-2", "nse-3"):
        await mesh.serve(name, node, prefixes=["172.16.0.96/29"], service=name)
    together = [NsUrl.parse(f"kernel://nse-{n}") for n in (1, 2)]
    web = mesh.client("web", node, groups=[together])
    first, second, third = [
        await web.request(Call(), mesh.wish(f"web-{n}", f"nsm-{n}", service=f"nse-{n}"))
        for n in (1, 2, 3)
    ]
    assert first.ip.src_ip_addrs == second.ip.src_ip_addrs == ("172.16.0.97/32",)
    assert third.ip.src_ip_addrs == ("172.16.0.99/32",)


async def test_what_is_not_refreshed_is_closed_before_its_token_runs_out(mesh) -> None:
    node = await mesh.start_node("one", "10.0.0.1")
    count = Count()
    await mesh.serve("nse", node, count)
    mesh.lifetimes["web"] = 2.0
    began = mesh.clock.ticks()
    await mesh.client("web", node).request(Call(deadline=began + 1.5), mesh.wish("web-0"))
    assert count.closes == 0
    await asyncio.sleep(began + 2 - mesh.clock.ticks())
    assert count.closes == 1
    assert node.kernel.empty


async def test_an_endpoint_is_unregistered_when_its_token_runs_out(mesh) -> None:
    node = await mesh.start_node("one", "10.0.0.1")
    mesh.lifetimes["nse"] = 2.0
    await mesh.serve("nse", node)
    await asyncio.sleep(10)
    assert await found(mesh, "nse") == ["nse"], "while it lives it is registered anew"
    await mesh.kill("nse")
    await asyncio.sleep(2.5)
    assert await found(mesh, "nse") == []


async def test_when_endpoint_and_manager_are_dead_the_registration_ends_with_its_time(mesh) -> None:
    node = await mesh.start_node("one", "10.0.0.1")
    await mesh.serve("nse", node)
    await mesh.kill("nse")
    await mesh.kill("manager-one")
    assert await found(mesh, "nse") == ["nse"]
    await asyncio.sleep(61)
    assert await found(mesh, "nse") == []


class Restarting(Element):
    """An endpoint whose program dies under three refreshes, and is started again each time."""

    def __init__(self, mesh, node) -> None:
        self.mesh = mesh
        self.node = node
        self.asked = 0

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        self.asked += 1
        if self.asked in (2, 4, 6):
            self.mesh.tasks.start("restart", self.restart())
            await asyncio.Event().wait()
        return await next.request(call, request)

    async def restart(self) -> None:
        await self.mesh.kill("nse")
        await self.mesh.serve("nse", self.node, self, register=False)


async def test_an_endpoint_that_restarts_under_refreshes_is_asked_again_by_itself(mesh) -> None:
    node = await mesh.start_node("one", "10.0.0.1")
    nse = Restarting(mesh, node)
    await mesh.serve("nse", node, nse)
    mesh.lifetimes["web"] = 10.0
    web = mesh.keeper("web", node)
    conn = await web.request(Call(), mesh.wish("web-0"))
    await asyncio.sleep(60)
    assert nse.asked > 6
    assert len(node.kernel.links_at) == 2
    await web.close(Call(), conn)
    await asyncio.sleep(30)
    assert node.kernel.empty
