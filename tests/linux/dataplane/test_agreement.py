"""The fake kernel tells what the real one tells, after the same plans and the same failures."""

import json
from dataclasses import replace
from ipaddress import ip_interface, ip_network

import pytest

from nsm.api.connection import ETHERNET
from nsm.api.context import IpContext, IpNeighbor, PolicyRoute, Route
from nsm.dataplane import plan
from nsm.dataplane.fake import FakeKernel
from nsm.dataplane.ops import AddAddress
from nsm.errors import NotFound

from .conftest import tell
from .test_kernel import DUAL, LONG, SIX, conn, end, names

pytestmark = pytest.mark.linux

POLICY = PolicyRoute("172.16.1.0/24", "6", "80-90", routes=(Route("192.0.2.0/24"),))
CONTEXTS = {
    "dual": DUAL,
    "six": SIX,
    "none": IpContext(),
    "subnet": IpContext(("10.1.0.2/24",), ("10.1.0.1/24",), src_routes=(Route("10.9.0.0/16"),)),
    "neighbours": replace(DUAL, ip_neighbors=(IpNeighbor("172.16.1.9", "02:00:00:00:00:09"),)),
    "policies": replace(DUAL, policies=(POLICY,)),
    "next hops": replace(DUAL, src_routes=(Route("10.0.0.0/8", "172.16.1.77"), Route("::/0"))),
}


async def told(netns, *what):
    """What `ip` says as JSON."""
    return json.loads((await tell(netns, "ip", "-N", "-j", *what)).out or "[]")


async def real_routes(netns):
    """Routes as the fake kernel keeps them; those that come with an address are not of a plan."""
    found = {}
    for family in ("-4", "-6"):
        for route in await told(netns, family, "route", "show", "table", "all"):
            if route.get("protocol") != "4":
                continue
            prefix = route["dst"].replace("default", "0.0.0.0/0" if family == "-4" else "::/0")
            table = int(route.get("table", "254"))
            found[table, ip_network(prefix)] = (route["dev"], route.get("gateway"))
    return found


async def real_neighbors(netns, name):
    return {
        n["dst"]: (n["lladdr"], "PERMANENT" in n["state"])
        for n in await told(netns, "neigh", "show", "dev", name)
        if "lladdr" in n
    }


async def assert_agreement(kernel, fake, *ends) -> None:
    for where in ends:
        real, made_up = [await driver.look(where.netns, where.name) for driver in (kernel, fake)]
        assert replace(real, index=0, group=0, peer=0) == replace(made_up, index=0)
        assert await real_routes(where.netns) == {
            (table, prefix): (name, str(gateway) if gateway else None)
            for (netns, table, prefix), (name, gateway) in fake.routes.items()
            if netns == where.netns
        }
        assert await real_neighbors(where.netns, where.name) == {
            str(ip): known for ip, known in fake.links_at[where.netns, where.name].neighbors.items()
        }
        rules = [r for r in await told(where.netns, "rule") if r["priority"] == 30000]
        four = [r for r in fake.rules if r.netns == where.netns and r.version == 4]
        assert {int(r["table"]) for r in rules} == {r.table for r in four}


@pytest.fixture
def ends(spaces):
    return end(spaces(), "nsm-1", plan.CLIENT), end(spaces(), LONG, plan.ENDPOINT)


@pytest.mark.parametrize("payload", ["IP", ETHERNET])
@pytest.mark.parametrize("context", CONTEXTS.values(), ids=CONTEXTS)
async def test_after_a_plan(kernel, ends, context, payload) -> None:
    fake, ops = FakeKernel(), plan.local(conn(context, mtu=1400, payload=payload), *ends)
    for driver in (kernel, fake):
        await driver.apply(*ops)
    await assert_agreement(kernel, fake, *ends)


@pytest.mark.parametrize("first", ["dual", "policies", "neighbours"])
@pytest.mark.parametrize("then", CONTEXTS)
@pytest.mark.parametrize("knows", [True, False], ids=["known", "found"])
async def test_after_a_refresh(kernel, ends, first, then, knows) -> None:
    fake = FakeKernel()
    before = plan.local(conn(CONTEXTS[first]), *ends)
    wanted = plan.local(conn(CONTEXTS[then], mtu=1400), *ends)
    for driver in (kernel, fake):
        await driver.apply(*before)
        seen = {place: await driver.look(*place) for place in plan.ends(wanted)}
        await driver.apply(*plan.refresh(wanted, seen, before if knows else ()))
    await assert_agreement(kernel, fake, *ends)


async def test_nothing_is_left_of_what_was_found_with_other_addresses(kernel, ends) -> None:
    """Whoever built it is no more, and nobody else knows which routes and neighbours it had."""
    before, wanted = (plan.local(conn(CONTEXTS[name]), *ends) for name in ("dual", "subnet"))
    await kernel.apply(*before)
    indices = {place: (await kernel.look(*place)).index for place in plan.ends(wanted)}
    seen = {place: await kernel.look(*place) for place in plan.ends(wanted)}
    await kernel.apply(*plan.refresh(wanted, seen))
    fresh = FakeKernel()
    await fresh.apply(*wanted)
    await assert_agreement(kernel, fresh, *ends)
    assert indices == {place: (await kernel.look(*place)).index for place in plan.ends(wanted)}


async def test_a_failure_at_any_op_leaves_nothing_in_either(kernel, ends) -> None:
    ops = plan.local(conn(CONTEXTS["policies"]), *ends)
    stray = AddAddress(ends[0].netns, "not-there", ip_interface("10.0.0.1/32"))
    rules = await told(ends[0].netns, "rule")
    for at in range(len(ops) + 1):
        fake = FakeKernel()
        for driver in (kernel, fake):
            with pytest.raises(NotFound, match="not-there"):
                await driver.apply(*ops[:at], stray, *ops[at:])
        assert fake.empty
    await kernel.settle()
    for where in ends:
        assert await names(kernel, where.netns) == {"lo"}
    assert await told(ends[0].netns, "rule") == rules
