"""What interfaces leave behind when they go is removed, and nothing that still leads anywhere."""

from dataclasses import replace

import pytest

from nsm.api.context import PolicyRoute
from nsm.dataplane import plan
from nsm.dataplane.facts import RULE, TABLE
from nsm.dataplane.fake import FakeKernel
from nsm.dataplane.forward import Joint, Port, join
from nsm.dataplane.ops import DelLink, LinkEnd
from nsm.dataplane.rules import written

from .conftest import pings, tell
from .test_forward import CLIENT, ENDPOINT, chain
from .test_kernel import DUAL, conn, end

pytestmark = pytest.mark.linux

RULED = replace(DUAL, policies=(PolicyRoute(proto="6"),))


async def tables(netns) -> list[str]:
    return (await tell(netns, "nft", "list", "tables", "netdev")).out.split("\n")[:-1]


@pytest.fixture(params=["real", "fake"])
def driver(request, kernel):
    return kernel if request.param == "real" else FakeKernel()


async def test_rules_go_after_the_interface_they_led_into(driver, spaces) -> None:
    client, endpoint = spaces(), spaces()
    ends = {name: end(client, name, plan.CLIENT, name) for name in ("gone", "here")}
    for name, near in ends.items():
        far = end(endpoint, name, plan.ENDPOINT, name)
        await driver.apply(*plan.local(conn(RULED, name), near, far))
    assert await driver.tidy(client) == (), "all of them lead somewhere"
    await driver.apply(DelLink(LinkEnd(client, "gone")))
    left = await driver.tidy(client)
    assert [(fact.netns, fact.kind) for fact in left] == [(client.key.ino, RULE)] * 2
    assert {fact.what[-6:] for fact in left} == {"(IPv4)", "(IPv6)"}
    assert await driver.tidy(client) == (), "the other ones still do"


async def test_a_rule_of_the_workloads_own_stays(kernel, spaces) -> None:
    client = spaces()
    for table in ("77", "0x6f000001"):
        await tell(client, "ip", "rule", "add", "priority", "30000", "table", table)
    await tell(client, "ip", "rule", "add", "priority", "400", "table", "0x6e000001")
    before = (await tell(client, "ip", "rule")).out
    assert await kernel.tidy(client) == ()
    assert (await tell(client, "ip", "rule")).out == before
    assert len(before.splitlines()) == 3 + 3, "the kernel's own, and these"


@pytest.mark.parametrize("gone", ["in", "out"])
async def test_a_joint_goes_after_either_of_its_interfaces(kernel, spaces, gone) -> None:
    rules = written(["icmp type echo-request accept"], "drop")
    _, passing, _ = await chain(kernel, spaces, [True, True], rules=rules)
    assert await kernel.tidy(passing) == (), "it carries"
    await tell(passing, "ip", "link", "del", gone)
    [left] = await kernel.tidy(passing)
    assert (left.netns, left.kind) == (passing.key.ino, TABLE)
    assert await tables(passing) == []


async def test_what_is_joined_beside_it_goes_on_carrying(kernel, spaces) -> None:
    client, passing, _ = await chain(kernel, spaces, [True, True])
    other = Joint(passing, Port("lo", CLIENT), Port("was", ENDPOINT))
    await tell(passing, "ip", "link", "add", "was", "type", "veth", "peer", "name", "its")
    await join(kernel, other)
    await tell(passing, "nft", "add", "table", "netdev", "theirs")
    await tell(passing, "ip", "link", "del", "was")
    assert [fact.what for fact in await kernel.tidy(passing)] == [other.table]
    assert "table netdev theirs" in await tables(passing)
    assert await pings(client, "172.16.1.0")
