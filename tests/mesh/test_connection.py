"""A connection through every hop: local and remote, from first request to close."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from nsm.api.connection import Connection
from nsm.api.context import IpContext, Route
from nsm.api.mechanism import KERNEL
from nsm.api.registration import Destination, Match
from nsm.dataplane.driver import VniTaken
from nsm.dataplane.fake import FakeKernel, failing_at
from nsm.errors import Exhausted, NsmError
from nsm.sdk import Call, Element, Handler, Request

pytestmark = pytest.mark.looptime

ADDRESSES = IpContext(
    src_ip_addrs=("172.16.0.1/32",),
    dst_ip_addrs=("172.16.0.0/32",),
    src_routes=(Route("172.16.0.0/32"),),
    dst_routes=(Route("172.16.0.1/32"),),
)


def names(conn) -> list[str]:
    return [segment.name for segment in conn.hops.segments]


async def test_a_local_connection_is_one_pair_and_four_segments(mesh) -> None:
    node = await mesh.start_node("one", "10.0.0.1")
    await mesh.serve("nse", node)
    web = mesh.client("web", node)
    conn = await web.request(Call(), mesh.wish("web-0"))
    assert names(conn) == ["web", "manager-one", "forwarder-one", "nse"]
    assert conn.ip == ADDRESSES
    assert conn.mechanism.type == KERNEL
    assert conn.labels == {"nodeName": "one"}
    where, name = node.kernel.links_at[mesh.at("web"), "nsm-1"].peer
    assert where == mesh.at("nse")
    assert name.startswith("vpn-")
    await web.close(Call(), conn)
    assert node.kernel.empty


async def test_a_remote_connection_is_a_tunnel_and_six_segments(mesh) -> None:
    here, there = await mesh.start_node("one", "10.0.0.1"), await mesh.start_node("two", "10.0.0.2")
    await mesh.serve("nse", there)
    web = mesh.client("web", here)
    conn = await web.request(Call(), mesh.wish("web-0"))
    assert names(conn) == [
        "web",
        "manager-one",
        "forwarder-one",
        "manager-two",
        "forwarder-two",
        "nse",
    ]
    assert conn.ip == ADDRESSES
    assert conn.context.mtu == 1450
    ((client, near),) = here.kernel.links_at.items()
    ((endpoint, far),) = there.kernel.links_at.items()
    assert client == (mesh.at("web"), "nsm-1")
    assert endpoint[0] == mesh.at("nse")
    assert near.kind == far.kind == "vxlan"
    assert near.vni[1:] == far.vni[1:]
    assert near.vni[2] % 2 == 0, "the lower address asked"
    assert near.mtu == far.mtu == 1450
    assert [str(a) for a in near.addresses] == ["172.16.0.1/32"]
    assert [str(a) for a in far.addresses] == ["172.16.0.0/32"]
    await web.close(Call(), conn)
    assert here.kernel.empty
    assert there.kernel.empty
    assert len(there.vnis) == 0


class Refuse(Element):
    """An endpoint that has no room, and counts who asked."""

    asked = 0

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        self.asked += 1
        raise Exhausted("no room")


@pytest.fixture
def held(tmp_path: Path) -> Callable[[], int]:
    """How many descriptors of namespaces are open."""

    def count() -> int:
        links = [Path(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")]
        paths = [link.resolve() for link in links]
        return sum(path.parent == tmp_path and path.suffix == ".netns" for path in paths)

    return count


async def test_a_refresh_changes_nothing_but_tokens(mesh) -> None:
    here, there = await mesh.start_node("one", "10.0.0.1"), await mesh.start_node("two", "10.0.0.2")
    await mesh.serve("nse", there)
    web = mesh.client("web", here)
    first = await web.request(Call(), mesh.wish("web-0"))
    before = {
        place: link.index for place, link in (here.kernel.links_at | there.kernel.links_at).items()
    }
    second = await web.request(Call(), Request(first))
    assert [s.id for s in second.hops.segments] == [s.id for s in first.hops.segments]
    assert (second.ip, second.mechanism, second.endpoint) == (first.ip, first.mechanism, "nse")
    after = {
        place: link.index for place, link in (here.kernel.links_at | there.kernel.links_at).items()
    }
    assert before == after


async def test_both_families_come_from_their_own_group(mesh) -> None:
    node = await mesh.start_node("one", "fd00::1")
    await mesh.serve("nse", node, prefixes=["10.9.0.0/24", "2001:db8::/112"])
    conn = await mesh.client("web", node).request(Call(), mesh.wish("web-0"))
    assert conn.ip.src_ip_addrs == ("10.9.0.1/32", "2001:db8::1/128")
    link = node.kernel.links_at[mesh.at("web"), "nsm-1"]
    assert [str(a) for a in link.addresses] == ["10.9.0.1/32", "2001:db8::1/128"]


async def test_the_smaller_underlay_decides_at_both_ends(mesh) -> None:
    here = await mesh.start_node("one", "10.0.0.1", mtu=8950)
    there = await mesh.start_node("two", "10.0.0.2", mtu=1400)
    await mesh.serve("nse", there)
    conn = await mesh.client("web", here).request(Call(), mesh.wish("web-0"))
    assert conn.context.mtu == 1400
    links = [*here.kernel.links_at.values(), *there.kernel.links_at.values()]
    assert [link.mtu for link in links] == [1400, 1400]


async def test_two_endpoints_take_turns_and_a_busy_one_is_passed_over(mesh) -> None:
    node = await mesh.start_node("one", "10.0.0.1")
    busy = Refuse()
    await mesh.serve("nse-1", node, prefixes=["10.1.0.0/24"])
    await mesh.serve("nse-2", node, prefixes=["10.2.0.0/24"])
    await mesh.serve("nse-3", node, busy)
    conns = [
        await mesh.client(f"web-{n}", node).request(Call(), mesh.wish(f"web-{n}-0"))
        for n in range(6)
    ]
    assert {conn.endpoint for conn in conns} == {"nse-1", "nse-2"}
    assert busy.asked == 2


async def test_a_failure_leaves_nothing_anywhere(mesh, held) -> None:
    here, there = await mesh.start_node("one", "10.0.0.1"), await mesh.start_node("two", "10.0.0.2")
    await mesh.serve("nse", there)
    here.kernel.fault = failing_at(2)
    web = mesh.client("web", here)
    with pytest.raises(NsmError, match="told to fail"):
        await web.request(Call(), mesh.wish("web-0"))
    assert here.kernel.empty
    assert there.kernel.empty
    assert len(there.vnis) == 0
    conn = await web.request(Call(), mesh.wish("web-0"))
    assert conn.ip == ADDRESSES, "the pair was given back"
    await web.close(Call(), conn)
    await asyncio.sleep(60)
    assert held() == 0


async def test_a_second_forwarder_receives_the_namespace_too(mesh) -> None:
    node = await mesh.start_node("one", "10.0.0.1")
    await mesh.serve("nse", node)
    node.kernel.fault = failing_at(1)
    other = FakeKernel()
    await mesh.start_forwarder(node, name="forwarder-b", kernel=other)
    conn = await mesh.client("web", node).request(Call(), mesh.wish("web-0"))
    assert names(conn) == ["web", "manager-one", "forwarder-b", "nse"]
    assert (mesh.at("web"), "nsm-1") in other.links_at


async def test_a_vni_taken_on_either_node_is_exchanged(mesh) -> None:
    here, there = await mesh.start_node("one", "10.0.0.1"), await mesh.start_node("two", "10.0.0.2")
    await mesh.serve("nse", there)
    here.kernel.fault = failing_at(1, VniTaken("in use here"))
    there.kernel.fault = failing_at(1, VniTaken("in use there"))
    await mesh.client("web", here).request(Call(), mesh.wish("web-0"))
    (near,), (far,) = here.kernel.links_at.values(), there.kernel.links_at.values()
    assert near.vni[2] == far.vni[2]
    assert len(there.vnis) == 1


async def test_a_service_that_leads_elsewhere_closes_and_the_next_request_goes_there(mesh) -> None:
    node = await mesh.start_node("one", "10.0.0.1")
    await mesh.serve("nse-1", node, prefixes=["100.100.100.100/30"])
    web = mesh.client("web", node)
    first = await web.request(Call(), mesh.wish("web-0"))
    assert first.ip.src_ip_addrs == ("100.100.100.101/32",)
    await mesh.serve("nse-2", node, prefixes=["200.200.200.200/30"], labels={"color": "red"})
    await mesh.change_service(node, Match(routes=(Destination({"color": "red"}),)))
    await asyncio.sleep(1)
    assert node.kernel.empty
    second = await mesh.client("web", node).request(Call(), mesh.wish("web-0"))
    assert second.ip.src_ip_addrs == ("200.200.200.201/32",)
    assert second.ip.dst_ip_addrs == ("200.200.200.200/32",)


async def test_a_hundred_at_once_all_stand_and_all_go(mesh, held) -> None:
    here, there = await mesh.start_node("one", "10.0.0.1"), await mesh.start_node("two", "10.0.0.2")
    await mesh.serve("nse", there)
    webs = {f"web-{n}": mesh.client(f"web-{n}", here) for n in range(100)}
    async with asyncio.timeout(60):
        conns = await asyncio.gather(
            *(web.request(Call(), mesh.wish(f"{name}-0")) for name, web in webs.items())
        )
    assert len({conn.ip.src_ip_addrs for conn in conns}) == 100
    assert len(here.kernel.links_at) == len(there.kernel.links_at) == 100
    await asyncio.gather(
        *(web.close(Call(), conn) for web, conn in zip(webs.values(), conns, strict=True))
    )
    assert here.kernel.empty
    assert there.kernel.empty
    await asyncio.sleep(60)
    assert held() == 0


async def test_a_service_that_leads_elsewhere_leaves_others_alone_whose_names_begin_like_it(
    mesh,
) -> None:
    node = await mesh.start_node("one", "10.0.0.1")
    services = {"vpn": "10.1.0.0/24", "vpn-2": "10.2.0.0/24", "vp": "10.3.0.0/24"}
    for service, prefix in services.items():
        await mesh.serve(f"nse-{service}", node, prefixes=[prefix], service=service)
    web = mesh.client("web", node)
    for n, service in enumerate(services):
        await web.request(Call(), mesh.wish(f"web-{n}", f"nsm-{n}", service))
    await mesh.change_service(node, Match(routes=(Destination({"color": "red"}),)))
    await asyncio.sleep(1)
    here = {name for where, name in node.kernel.links_at if where == mesh.at("web")}
    assert here == {"nsm-1", "nsm-2"}
