"""A passthrough stays joined while its interfaces come and go."""

import asyncio

import pytest

from nsm.dataplane import plan
from nsm.dataplane.carrier import Carrier
from nsm.dataplane.forward import Joint, Port
from nsm.dataplane.rules import written
from nsm.errors import Invalid
from nsm.sdk.tasks import Tasks

from .conftest import pings
from .test_forward import CLIENT, ENDPOINT, conn

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


async def test_rules_are_checked_before_anything_is_there(station) -> None:
    carrier, _, _ = station
    await carrier.check(written(["tcp dport 8080 accept"], "drop"))
    with pytest.raises(Invalid, match="nftables refused"):
        await carrier.check(written(["no such thing"]))
