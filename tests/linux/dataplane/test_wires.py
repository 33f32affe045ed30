"""On the real kernel: a wire takes another's place, is found at a restart, and mended in place."""

import asyncio
import math
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.chaos import sender
from tests.chaos.echoes import Echoes

from nsm.api.context import IpContext, Route
from nsm.api.mechanism import REMOTE, VXLAN, Mechanism
from nsm.dataplane import named, plan
from nsm.dataplane.driver import NameTaken
from nsm.dataplane.kernel import Kernel
from nsm.dataplane.ledger import Tag
from nsm.dataplane.netns import standing_in
from nsm.dataplane.ops import AddBridge, LinkEnd
from nsm.dataplane.sweep import Found, namespaces, survey
from nsm.dataplane.wires import Wires

from .conftest import pings, tell
from .test_kernel import KEY, conn, names

pytestmark = pytest.mark.linux

TUNNEL = Mechanism(REMOTE, VXLAN)
THERE = "172.16.1.0"


def end(netns, name, role, vni=0, of="c-1") -> plan.End:
    return plan.End(netns, name, KEY.alias(Tag.of(of, role, vni, 99)))


async def lost(netns, seconds: float = 1.0) -> int:
    """Of a packet a millisecond, how many do not come back."""
    count = str(int(seconds * 1000))
    told = await tell(netns, "ping", "-q", "-i0.001", "-c", count, "-W1", THERE)
    sent, back = re.search(r"(\d+) packets transmitted, (\d+) received", told.out).groups()
    return int(sent) - int(back)


def pool(number: int) -> IpContext:
    """The addresses of a vWire to an endpoint that has its own."""
    there, here = f"172.16.{number}.0/32", f"172.16.{number}.1/32"
    return IpContext(
        src_ip_addrs=(here,),
        dst_ip_addrs=(there,),
        src_routes=(Route(there),),
        dst_routes=(Route(here),),
    )


@contextmanager
def sending(netns, echoes: Echoes) -> Iterator[None]:
    """Echoes go through that interface while the block runs."""
    script = (sys.executable, "-I", "-S", sender.__file__, str(echoes.file), "0.001")
    with standing_in(netns):
        Path("/proc/sys/net/ipv4/ping_group_range").write_text("0 0")
        running = subprocess.Popen((*script, *echoes.wires))
    try:
        yield
    finally:
        running.terminate()
        running.wait()


async def test_no_packet_is_lost_when_one_wire_takes_anothers_place(kernel, spaces) -> None:
    client, one, two = spaces(), spaces(), spaces()
    near, wires = end(client, "nsm-1", "client"), Wires(kernel)
    first, second = (plan.local(conn(), near, end(n, "vpn", "endpoint")) for n in (one, two))
    await wires.build("c-1", first)
    losing = asyncio.create_task(lost(client, 1.5))
    for wanted in (second, first, second, first, second):
        await asyncio.sleep(0.2)
        rest = await wires.replace("c-1", wanted)
    assert await losing == 0
    await wires.leave("c-1", rest)
    await kernel.settle()
    assert await names(kernel, client) == {"lo", "nsm-1"}
    assert await names(kernel, one) == {"lo"}
    assert await names(kernel, two) == {"lo", "vpn"}


async def test_no_echo_is_lost_where_the_addresses_change_for_whoever_looks_meanwhile(
    kernel, spaces, tmp_path
) -> None:
    """Echoes from a socket that is bound to the interface, a millisecond apart."""
    client, one, two = spaces(), spaces(), spaces()
    near, wires = end(client, "nsm-1", "client"), Wires(kernel)
    first, second = (
        plan.local(conn(pool(number)), near, end(n, "vpn", "endpoint"))
        for number, n in enumerate((one, two), 1)
    )
    await wires.build("c-1", first)
    echoes = Echoes(tmp_path / "echoes", ["nsm-1"])
    with sending(client, echoes):
        for wanted in (second, first, second, first):
            await asyncio.sleep(0.3)
            rest = await wires.replace("c-1", wanted)
        await asyncio.sleep(0.3)
        await wires.leave("c-1", rest)
        await asyncio.sleep(sender.PATIENCE)
    echoes.read()
    seen = echoes.seen("nsm-1", 0, math.inf)
    assert (seen.lost, seen.remade) == (0, 5), seen
    assert seen.sent > 100


async def test_a_replacement_that_fails_half_way_costs_no_packet(kernel, spaces) -> None:
    client, one, two = spaces(), spaces(), spaces()
    near, wires = end(client, "nsm-1", "client"), Wires(kernel)
    await wires.build("c-1", plan.local(conn(), near, end(one, "vpn", "endpoint")))
    await kernel.apply(AddBridge(LinkEnd(two, "vpn")))
    losing = asyncio.create_task(lost(client))
    wanted = plan.local(conn(), near, end(two, "vpn", "endpoint"))
    for _ in range(3):
        await asyncio.sleep(0.2)
        with pytest.raises(NameTaken):
            await wires.replace("c-1", wanted)
    assert await losing == 0
    assert await names(kernel, client) == {"lo", "nsm-1"}


@pytest.fixture
async def stood(spaces):
    """A wire whose maker has died, and who made it."""
    client, endpoint = spaces(), spaces()
    first = Kernel()
    wanted = plan.local(conn(), end(client, "nsm-1", "client"), end(endpoint, "vpn", "endpoint"))
    await first.apply(*wanted)
    await first.close()
    return client, endpoint, wanted


BREAKS = {
    "an address": ("addr", "del", "172.16.1.1/32", "dev", "nsm-1"),
    "another address": ("addr", "add", "10.0.0.1/24", "dev", "nsm-1"),
    "a route": ("route", "del", "172.16.1.0/32", "dev", "nsm-1"),
    "its mtu": ("link", "set", "dev", "nsm-1", "mtu", "1300"),
    "its hardware address": ("link", "set", "dev", "nsm-1", "address", "02:00:00:00:00:01"),
    "its alias": ("link", "set", "dev", "nsm-1", "alias", "mine"),
    "its name": ("link", "set", "dev", "nsm-1", "name", "other"),
    "its being up": ("link", "set", "dev", "nsm-1", "down"),
    "a neighbour": ("neigh", "flush", "dev", "nsm-1", "nud", "permanent"),
}


@pytest.mark.parametrize("how", BREAKS.values(), ids=BREAKS)
async def test_what_differs_after_a_restart_is_mended_in_place(kernel, stood, how) -> None:
    client, endpoint, wanted = stood
    before = await kernel.look(client, "nsm-1")
    routes = (await tell(client, "ip", "route")).out
    wires = Wires(kernel)
    wires.found.add(await survey(kernel, [client, endpoint], KEY))
    assert (await tell(client, "ip", *how)).code == 0
    await wires.build("c-1", wanted)
    assert await kernel.look(client, "nsm-1") == before
    assert (await tell(client, "ip", "route")).out == routes
    assert await pings(client, THERE)


async def test_a_restart_costs_no_packet(kernel, stood) -> None:
    client, endpoint, wanted = stood
    losing = asyncio.create_task(lost(client))
    for _ in range(3):
        wires = Wires(kernel)
        wires.found.add(await survey(kernel, [client, endpoint], KEY))
        await wires.build("c-1", wanted)
        await asyncio.sleep(0.1)
    assert await losing == 0


async def test_what_nobody_has_asked_for_again_makes_room_for_another(kernel, stood) -> None:
    client, endpoint, _ = stood
    wires, before = Wires(kernel), await kernel.look(client, "nsm-1")
    wires.found.add(await survey(kernel, [client, endpoint], KEY))
    near, far = end(client, "nsm-1", "client", of="c-2"), end(endpoint, "vpn", "endpoint", of="c-2")
    wanted = plan.local(replace(conn(pool(3)), id="c-2"), near, far)
    with pytest.raises(NameTaken):
        await wires.build("c-2", wanted)
    assert await kernel.look(client, "nsm-1") == before
    wires.found.yields = True
    await wires.build("c-2", wanted)
    assert await pings(client, "172.16.3.0")
    await kernel.settle()
    assert await names(kernel, client) == {"lo", "nsm-1"}


async def test_what_has_our_name_and_is_not_ours_is_left_as_it_is(kernel, spaces) -> None:
    client, endpoint = spaces(), spaces()
    await tell(client, "ip", "link", "add", "nsm-1", "type", "bridge")
    await tell(client, "ip", "addr", "add", "10.0.0.1/24", "dev", "nsm-1")
    theirs = await kernel.look(client, "nsm-1")
    wires = Wires(kernel)
    wires.found.add([Found(client, theirs, Tag.of("c-1", "client"))])
    wanted = plan.local(conn(), end(client, "nsm-1", "client"), end(endpoint, "vpn", "endpoint"))
    with pytest.raises(NameTaken):
        await wires.build("c-1", wanted)
    await kernel.apply(*plan.undo(wanted))
    await kernel.settle()
    assert await kernel.look(client, "nsm-1") == theirs
    assert await names(kernel, endpoint) == {"lo"}


async def test_a_tunnel_whose_alias_was_overwritten_is_known_by_its_vni(kernel, spaces) -> None:
    node, client = spaces(), spaces()
    tunnel = {"src_ip": "100.64.0.1", "dst_ip": "100.64.0.2"}
    first, other = (
        plan.remote(
            replace(conn(), mechanism=replace(TUNNEL, parameters={**tunnel, "vni": str(vni)})),
            "client",
            end(client, "nsm-1", "client", vni),
            plan.Underlay(node),
        )
        for vni in (6, 8)
    )
    await kernel.apply(*first)
    before = await kernel.look(client, "nsm-1")
    await tell(client, "ip", "link", "set", "dev", "nsm-1", "alias", "mine")
    await kernel.apply(*plan.undo(other))
    await kernel.apply(*first)
    assert await kernel.look(client, "nsm-1") == before
    await kernel.apply(*plan.undo(first))
    await kernel.settle()
    assert await names(kernel, client) == {"lo"}


async def test_a_namespace_that_is_only_bound_somewhere_is_found(tmp_path) -> None:
    folder = tmp_path / "any where"
    bound = await named.create(folder / "web")
    try:
        assert bound in await namespaces()
    finally:
        await named.remove(folder / "web")
    assert bound not in await namespaces()
