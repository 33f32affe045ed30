"""Routes for chosen traffic."""

from nsm.api.context import IpContext, PolicyRoute, Route
from nsm.elements.context.policy_routes import PolicyRoutes
from nsm.sdk import Call, Connection, Request
from nsm.sdk.testing import Recorder

WEB = PolicyRoute("172.16.2.201/24", "6", "80", "", (Route("172.16.3.0/24", "172.16.2.200"),))
DNS = PolicyRoute("172.16.2.202/24", "17", "53")
ALL = PolicyRoute(proto="1")


async def test_policies_bring_their_addresses_and_take_them_away_again() -> None:
    policies = [WEB, ALL]
    entry = PolicyRoutes(lambda: policies).bind(Recorder())
    asked = Connection("c").with_ip(IpContext(src_ip_addrs=("10.0.0.1/32",)))
    first = await entry.request(Call(), Request(asked))
    assert first.ip.policies == (WEB, ALL)
    assert first.ip.src_ip_addrs == ("10.0.0.1/32", "172.16.2.201/24")
    policies[:] = [DNS]
    second = await entry.request(Call(), Request(first))
    assert second.ip.policies == (DNS,)
    assert second.ip.src_ip_addrs == ("10.0.0.1/32", "172.16.2.202/24")
    policies.clear()
    assert (await entry.request(Call(), Request(second))).ip == asked.ip
