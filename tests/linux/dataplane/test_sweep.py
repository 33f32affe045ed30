"""What we made is found by its tags, and what nobody needs is removed."""

from dataclasses import replace

import pytest

from nsm.dataplane import named, plan
from nsm.dataplane.kernel import Kernel
from nsm.dataplane.ledger import NodeKey, Tag
from nsm.dataplane.netns import Netns
from nsm.dataplane.ops import AddBridge, LinkEnd
from nsm.dataplane.probe import Probe
from nsm.dataplane.reaper import DOOMED
from nsm.dataplane.sweep import namespaces, survey, sweep
from nsm.errors import Unsupported

from .conftest import pings, tell
from .test_kernel import KEY, conn, names

pytestmark = pytest.mark.linux


def tagged(netns, name, id, role, expires, key=KEY):
    return plan.End(netns, name, key.alias(Tag.of(id, role, expires=expires)))


async def test_the_expired_go_and_the_living_and_foreign_stay(kernel, spaces) -> None:
    client, endpoint = spaces(), spaces()
    stranger = NodeKey(b"s" * 32)
    for id, expires, key in (("old", 10, KEY), ("young", 99, KEY), ("foreign", 1, stranger)):
        a = tagged(client, id, id, plan.CLIENT, expires, key)
        b = tagged(endpoint, id, id, plan.ENDPOINT, expires, key)
        await kernel.apply(*plan.local(replace(conn(), id=id), a, b))
    await kernel.apply(AddBridge(LinkEnd(client, "br0")))
    assert len(await survey(kernel, [client, endpoint], KEY)) == 4
    gone = await sweep(kernel, [client, endpoint], KEY, lambda found: found.tag.expires > 50)
    assert {(f.link.name, f.tag.role) for f in gone} == {("old", "client"), ("old", "endpoint")}
    await kernel.settle()
    assert await names(kernel, client) == {"lo", "young", "foreign", "br0"}
    assert await names(kernel, endpoint) == {"lo", "young", "foreign"}


async def test_a_removal_cut_short_is_finished(kernel, spaces) -> None:
    client, endpoint = spaces(), spaces()
    ends = tagged(client, "a", "c", plan.CLIENT, 99), tagged(endpoint, "b", "c", plan.ENDPOINT, 99)
    await kernel.apply(*plan.local(conn(), *ends))
    await tell(client, "ip", "link", "set", "dev", "a", "group", str(DOOMED))
    await sweep(kernel, [client, endpoint], KEY, lambda _: True)
    await kernel.settle()
    assert await names(kernel, endpoint) == {"lo"}


async def test_a_forwarder_that_dies_leaves_packets_flowing_and_the_next_finds_all(spaces) -> None:
    client, endpoint = spaces(), spaces()
    ends = tagged(client, "a", "c", plan.CLIENT, 99), tagged(endpoint, "b", "c", plan.ENDPOINT, 99)
    first, second = Kernel(), Kernel()
    await first.apply(*plan.local(conn(), *ends))
    before = await first.look(client, "a")
    await first.close()
    assert await pings(client, "172.16.1.0")
    (found, _) = await survey(second, [client, endpoint], KEY)
    assert found.tag == Tag.of("c", plan.CLIENT, expires=99)
    await second.apply(*plan.local(conn(), *ends))
    assert await second.look(client, "a") == before
    await second.close()


async def test_namespaces_are_found_by_process_and_by_folder(tmp_path) -> None:
    bound = await named.create(tmp_path / "netns" / "web")
    try:
        found = await namespaces(tmp_path / "netns", tmp_path / "not-there")
    finally:
        await named.remove(tmp_path / "netns" / "web")
    assert bound in found
    assert Netns.current() in found
    assert len(found) == len(set(found))


async def test_a_host_says_what_it_can_build() -> None:
    host = await Probe().ask()
    assert host.mechanisms == {"KERNEL", "VXLAN"}
    host.require("VXLAN")
    for kind in ("WIREGUARD", "SMOKE"):
        with pytest.raises(Unsupported):
            host.require(kind)
    assert all(feature.fix for feature in host.features.values() if not feature.works)
