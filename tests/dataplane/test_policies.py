"""Policy routes become rules and tables."""

from dataclasses import replace
from ipaddress import ip_network

import pytest

from nsm.api.context import PolicyRoute, Route
from nsm.dataplane import plan
from nsm.dataplane.ops import AddRoute, AddRule, DelRule
from nsm.errors import Invalid

from .conftest import DUAL, connection


def planned(client, endpoint, *policies):
    ops = plan.local(connection(replace(DUAL, policies=policies)), client, endpoint)
    rules = [op for op in ops if isinstance(op, AddRule)]
    tables = {r.table for r in rules}
    return rules, [op for op in ops if isinstance(op, AddRoute) and op.table in tables], ops


def test_a_policy_is_a_rule_to_a_table_of_its_own(client, endpoint) -> None:
    policy = PolicyRoute(
        "172.16.3.0/24", "6", "80", "1000-2000", (Route("10.9.0.0/16", "172.16.1.7"),)
    )
    (rule,), (route,), _ = planned(client, endpoint, policy)
    assert (rule.source, rule.proto) == (ip_network("172.16.3.0/24"), 6)
    assert (rule.dst_port, rule.src_port) == ((80, 80), (1000, 2000))
    assert rule.netns == route.netns == client.netns
    assert (str(route.prefix), str(route.gateway)) == ("10.9.0.0/16", "172.16.1.7")


def test_without_routes_everything_goes_there(client, endpoint) -> None:
    rules, routes, _ = planned(client, endpoint, PolicyRoute(proto="17"))
    assert [r.version for r in rules] == [4, 6]
    assert [(str(r.prefix), str(r.gateway)) for r in routes] == [
        ("0.0.0.0/0", "172.16.1.0"),
        ("::/0", "2001:db8::"),
    ]


def test_two_policies_have_two_tables(client, endpoint) -> None:
    rules, _, _ = planned(client, endpoint, PolicyRoute("10.1.0.0/16"), PolicyRoute("10.2.0.0/16"))
    assert len({r.table for r in rules}) == 2


def test_undo_removes_the_rules_before_the_device(client, endpoint) -> None:
    rules, _, ops = planned(client, endpoint, PolicyRoute("10.1.0.0/16"))
    assert plan.undo(ops) == (DelRule(rules[0]), ops[0].undo())


def test_refresh_removes_rules_of_the_plan_before_and_then_their_tables(client, endpoint) -> None:
    [rule], [route], before = planned(client, endpoint, PolicyRoute("10.1.0.0/16"))
    _, _, wanted = planned(client, endpoint)
    gone = (DelRule(rule), route.undo())
    assert plan.refresh(wanted, {}, before) == (wanted[0], *gone, *wanted[1:])


@pytest.mark.parametrize(
    "policy",
    [
        PolicyRoute(proto="tcp"),
        PolicyRoute(proto="256"),
        PolicyRoute(dst_port="1-2-3"),
        PolicyRoute(dst_port="90-80"),
        PolicyRoute(src_port="65536"),
        PolicyRoute(src_port="-1"),
        PolicyRoute(from_="everywhere"),
        PolicyRoute(routes=(Route("10.0.0.0/40"),)),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(client, endpoint, policy) -> None:
    with pytest.raises(Invalid):
        planned(client, endpoint, policy)
