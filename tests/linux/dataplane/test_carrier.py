"""A passthrough stays joined while its interfaces come and go."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_interface

import pytest

from nsm.api.context import IpContext
from nsm.dataplane import plan
from nsm.dataplane.carrier import Carrier
from nsm.dataplane.forward import Joint, Port
from nsm.dataplane.kernel import Kernel
from nsm.dataplane.netns import Netns, standing_in
from nsm.dataplane.rules import written
from nsm.errors import Invalid
from nsm.sdk.tasks import Tasks

from .conftest import pings, tell
from .test_forward import CLIENT, DUAL, ENDPOINT, conn

pytestmark = pytest.mark.linux


@pytest.fixture
async def station(kernel, spaces):
    tasks, netns = Tasks(), spaces()
    carrier = Carrier(kernel, netns, tasks)
    yield carrier, netns, Joint(netns, Port("in", CLIENT), Port("out", ENDPOINT))
    carrier.close()
    await tasks.stop()


async def until_reached(netns, address) -> bool:
    async with asyncio.timeout(5):
        while not await pings(netns, address, more=("-c1", "-W0.2")):
            pass
    return True


async def test_it_is_joined_when_both_interfaces_are_there_and_again_when_one_is_new(
    kernel, spaces, station
) -> None:
    carrier, middle, joint = station
    client, endpoint = spaces(), spaces()
    await carrier.keep(joint)
    await kernel.apply(*plan.local(conn(2), plan.End(middle, "out"), plan.End(endpoint, "in")))
    first = plan.local(conn(1), plan.End(client, "out"), plan.End(middle, "in"))
    await kernel.apply(*first)
    assert await until_reached(client, "172.16.1.0")
    await kernel.apply(*plan.undo(first))
    await kernel.apply(*plan.local(conn(3), plan.End(client, "out"), plan.End(middle, "in")))
    assert await until_reached(client, "172.16.1.0")
    assert await until_reached(client, "2001:db8::")
    await carrier.drop(joint)
    assert not await pings(client, "172.16.1.0")


OTHER = IpContext(
    src_ip_addrs=("172.16.2.1/32", "2001:db8:2::1/128"),
    dst_ip_addrs=("172.16.2.0/32", "2001:db8:2::/128"),
)


@dataclass
class Moving:
    """A vWire through a station whose way on is moved from one endpoint to another."""

    kernel: Kernel
    carrier: Carrier
    client: Netns
    middle: Netns
    steps: plan.Beside

    def joint(self, ip: IpContext) -> Joint:
        sides = (ip.src_ip_addrs, ip.dst_ip_addrs)
        clients, ends = (tuple(ip_interface(one).ip for one in side) for side in sides)
        return Joint(self.middle, Port("in", clients), Port("out", ends))

    async def near(self, ip: IpContext) -> None:
        """The client and the station towards it have these addresses."""
        agreed = conn(1).with_ip(ip)
        ends = plan.End(self.client, "nsm-1"), plan.End(self.middle, "in")
        seen = {}
        for end in ends:
            if link := await self.kernel.look(end.netns, end.name):
                seen[end.netns, end.name] = link
        await self.kernel.apply(*plan.refresh(plan.local(agreed, *ends), seen))

    @asynccontextmanager
    async def echoes(self, address: str) -> AsyncIterator[list[str]]:
        """What the client's pings, 5 ms apart, say at the end; others are answered before that."""
        said: list[str] = []
        asked = ("ping", "-i0.005", "-W1", address)
        with standing_in(self.client):
            pinging = await asyncio.create_subprocess_exec(*asked, stdout=-1)
        try:
            assert await pinging.stdout.readline()
            assert await pinging.stdout.readline()
            yield said
            assert await pings(self.client, address, more=("-c5", "-i0.02"))
        finally:
            pinging.send_signal(signal.SIGINT)
            said.append((await pinging.communicate())[0].decode())


@pytest.fixture
async def moving(kernel, spaces, station) -> Moving:
    carrier, middle, joint = station
    client, old, new = spaces(), spaces(), spaces()
    before = plan.local(conn(2), plan.End(middle, "out"), plan.End(old, "in"))
    after = plan.local(conn(2).with_ip(OTHER), plan.End(middle, "out"), plan.End(new, "in"))
    moving = Moving(kernel, carrier, client, middle, plan.beside(before, after))
    await kernel.apply(*before)
    await moving.near(DUAL)
    await carrier.keep(joint)
    assert await until_reached(client, "172.16.1.0")
    return moving


@pytest.mark.parametrize("address", ["172.16.1.0", "2001:db8::"])
async def test_a_client_that_has_not_heard_of_the_move_reaches_the_endpoint_before(
    kernel, moving, address
) -> None:
    async with moving.echoes(address) as said:
        await kernel.apply(*moving.steps.build)
        await kernel.apply(*moving.steps.switch)
        await kernel.apply(*moving.steps.shed)
        await moving.carrier.keep(moving.joint(OTHER))
    assert " 0% packet loss" in said[0]

    await moving.near(OTHER)
    assert await until_reached(moving.client, "172.16.2.0")
    assert await until_reached(moving.client, "2001:db8:2::")


async def test_what_is_left_of_the_way_before_is_let_go_of_when_it_is_gone(kernel, moving) -> None:
    await kernel.apply(*moving.steps.build)
    await kernel.apply(*moving.steps.switch)
    await moving.carrier.keep(moving.joint(OTHER))
    assert (await ruleset(moving.middle)).count("chain carry") == 3
    await moving.near(OTHER)
    async with moving.echoes("172.16.2.0") as said:
        await kernel.apply(*moving.steps.rest)
        async with asyncio.timeout(5):
            while (await ruleset(moving.middle)).count("chain carry") != 2:
                pass
    assert " 0% packet loss" in said[0]


async def test_a_way_whose_move_is_heard_of_late_is_joined_at_once(kernel, moving) -> None:
    """The answer that tells of it was lost; what was before is gone when the next one comes."""
    await kernel.apply(*moving.steps.build)
    await kernel.apply(*moving.steps.switch)
    assert 'fwd to "-' in await ruleset(moving.middle)
    await kernel.apply(*moving.steps.rest)
    async with asyncio.timeout(5):
        while 'fwd to "out"' not in await ruleset(moving.middle):
            pass
    await moving.carrier.keep(moving.joint(OTHER))
    await moving.near(OTHER)
    assert await until_reached(moving.client, "172.16.2.0")


async def ruleset(netns: Netns) -> str:
    return (await tell(netns, "nft", "list", "ruleset")).out


async def test_rules_are_checked_before_anything_is_there(station) -> None:
    carrier, _, _ = station
    await carrier.check(written(["tcp dport 8080 accept"], "drop"))
    with pytest.raises(Invalid, match="nftables refused"):
        await carrier.check(written(["no such thing"]))
