"""The forwarder's element on a real kernel: built, refreshed, led elsewhere, removed."""

import os
from dataclasses import dataclass, field

import pytest
from tests.linux.fresh import namespace

from nsm.api.connection import IP, Connection, Request
from nsm.api.context import IpContext, Route
from nsm.api.mechanism import INODE_URL, KERNEL, LOCAL, NAME, Mechanism
from nsm.dataplane.netns import Netns
from nsm.dataplane.plan import Underlay
from nsm.elements.kernel import JoinNamespaces
from nsm.elements.liveness import CheckLiveness
from nsm.sdk import Call, Slot
from nsm.sdk.testing import Lifetime, Recorder

pytestmark = [
    pytest.mark.linux,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]

CONTEXT = IpContext(
    src_ip_addrs=("10.9.0.1/32", "fd99::1/128"),
    dst_ip_addrs=("10.9.0.0/32", "fd99::/128"),
    src_routes=(Route("10.9.0.0/32"), Route("fd99::/128")),
    dst_routes=(Route("10.9.0.1/32"), Route("fd99::1/128")),
)


@dataclass
class Leads(Recorder):
    """The next hop, which leads to whichever endpoint the test says."""

    slot: Slot[Mechanism] = field(default_factory=lambda: Slot[Mechanism]())
    endpoint: Mechanism = field(default_factory=Mechanism)

    async def request(self, call: Call, request: Request) -> Connection:
        self.slot.put(call, self.endpoint)
        return request.connection.with_ip(CONTEXT)


def end(netns: Netns, name: str) -> Mechanism:
    url = f"file:///proc/{os.getpid()}/fd/{netns.fd}"
    return Mechanism(LOCAL, KERNEL, {INODE_URL: url, NAME: name})


async def test_a_vwire_carries_moves_with_its_endpoint_and_leaves_nothing(kernel) -> None:
    client, first, second = spaces = [namespace() for _ in range(3)]
    onward, lifetime = Leads(), Lifetime()
    onward.endpoint = end(first, "vpn-1")
    entry = JoinNamespaces(kernel, Underlay(Netns.current()), onward.slot).bind(onward)
    check = CheckLiveness(lambda make: kernel.inside(client, make))
    asked = Request(Connection("c", mechanism=end(client, "nsm-1"), payload=IP))
    conn = lifetime.life.last = await entry.request(lifetime.call, asked)
    assert await check(conn)
    before = await kernel.look(client, "nsm-1")
    await entry.request(lifetime.call, Request(conn))
    assert await kernel.look(client, "nsm-1") == before
    onward.endpoint = end(second, "vpn-1")
    conn = await entry.request(lifetime.call, Request(conn))
    assert await check(conn)
    assert await kernel.look(first, "vpn-1") is None
    await entry.close(lifetime.call, conn)
    await kernel.settle()
    assert [[link.name for link in await kernel.links(ns)] for ns in spaces] == [["lo"]] * 3
    for netns in spaces:
        netns.close()
