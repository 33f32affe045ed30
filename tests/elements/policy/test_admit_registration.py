"""AdmitRegistration."""

from dataclasses import replace

import pytest

from nsm.admission import Admission, everyone
from nsm.admission.reading import read_rules
from nsm.admission.standing import globs
from nsm.api.labels import Labels
from nsm.api.registration import Endpoint, NetworkService
from nsm.elements.policy.admit_registration import AdmitRegistration
from nsm.errors import Denied
from nsm.identity.jwt import Claims, unsigned
from nsm.sdk import Call, Peer
from nsm.sdk.call import TokenPath
from nsm.sdk.clock import LoopClock
from nsm.sdk.testing import RecordingRegistry

pytestmark = pytest.mark.looptime
GATEWAY, MANAGER = "spiffe://hello/gateway", "spiffe://hello/manager"
HOPS = globs([MANAGER])


def admit(line: str, node: str = "node-1") -> AdmitRegistration:
    rules = read_rules(f"default: deny\nrules: [{{{line}}}]", "r.yaml")
    return AdmitRegistration(
        Admission(rules=lambda: rules, clock=LoopClock(), domain="hello", node=node, hops=HOPS)
    )


def call(index: int = 1, first: str = GATEWAY, peer: str = GATEWAY) -> Call:
    tokens = [unsigned(Claims(id)) for id in (first, *[peer] * index)]
    return Call(peer=Peer(peer), tokens=TokenPath(index, tokens))


def endpoint(*services: str, **labels: str) -> Endpoint:
    return Endpoint("gw-1", services, {name: Labels(labels) for name in services})


@pytest.mark.parametrize(
    ("line", "services", "allowed"),
    [
        ("allow: serve", ["a", "b"], True),
        ("allow: serve, service: a", ["a"], True),
        ("allow: serve, service: a", ["a", "b"], False),
        ("allow: [use, register]", ["a"], False),
        ("allow: serve, who: '*/gateway'", ["a"], True),
        ("allow: serve, endpoint: '*/gateway'", ["a"], True),
        ("allow: serve, labels: {app: vpn}", ["a"], True),
        ("allow: serve, labels: {app: web}", ["a"], False),
        ("allow: serve, node: node-1", ["a"], True),
        ("allow: serve, domain: beta", ["a@beta"], True),
        ("allow: serve, domain: beta", ["a"], False),
        ("allow: serve, verified: proven", ["a"], True),
    ],
)
async def test_an_endpoint_serves_what_it_is_allowed_to(
    line: str, services: list[str], allowed: bool
) -> None:
    onward = RecordingRegistry()
    record = endpoint(*services, app="vpn", nodeName="a lie")
    try:
        await admit(line).register(call(), record, onward)
    except Denied:
        assert not allowed
        assert onward.heard == []
    else:
        assert allowed
        assert len(onward.heard) == 1


@pytest.mark.parametrize(
    ("line", "allowed"),
    [
        ("allow: register", True),
        ("allow: register, service: s", True),
        ("allow: register, payload: ip", True),
        ("allow: register, payload: ethernet", False),
        ("allow: serve", False),
    ],
)
async def test_a_service_is_described_by_who_is_allowed_to(line: str, allowed: bool) -> None:
    onward = RecordingRegistry()
    try:
        await admit(line).register(call(), NetworkService("s", "IP"), onward)
    except Denied:
        assert not allowed
    else:
        assert allowed


async def test_further_on_the_first_token_says_who_registers() -> None:
    onward = RecordingRegistry()
    far = call(2, peer=MANAGER)
    there = admit("allow: serve, who: '*/gateway', verified: vouched, node: node-7", node="")
    await there.register(far, endpoint("a", nodeName="node-7"), onward)
    with pytest.raises(Denied, match="hello/manager may not serve 'a'"):
        await there.register(call(1, peer=MANAGER), endpoint("a"), onward)
    with pytest.raises(Denied, match="hello/db may not serve"):
        await there.register(call(2, peer="spiffe://hello/db"), endpoint("a"), onward)


async def test_whoever_registers_from_within_is_not_judged_and_leaving_is_free() -> None:
    onward = RecordingRegistry()
    nobody = admit("deny: serve")
    await nobody.register(Call(), endpoint("a"), onward)
    await nobody.unregister(call(), endpoint("a"), onward)
    assert len(onward.heard) == 2


@pytest.mark.parametrize(
    ("line", "may"),
    [
        ("allow: register, who: '*/gateway'", True),
        ("allow: register, who: '*/gateway', service: vpn", True),
        ("allow: register, who: '*/gateway', service: other", False),
        ("allow: register, who: '*/else'", False),
        ("allow: register", False),
        ("allow: serve, who: '*/gateway'", False),
        ("deny: register, who: '*/gateway'", False),
    ],
)
async def test_only_a_rule_that_names_them_lets_somebody_change_anothers_service(
    line: str, may: bool
) -> None:
    limit, service = admit(line), NetworkService("vpn")
    assert not limit.may_change(call(), service)  # nobody wrote these rules
    limit.admission = replace(limit.admission, written=True)
    assert limit.may_change(call(), service) is may
    assert not limit.may_change(Call(), service)


async def test_the_rules_where_nobody_wrote_any_let_nobody_change_anothers_service() -> None:
    limit = AdmitRegistration(
        Admission(rules=lambda: everyone("hello"), clock=LoopClock(), domain="hello")
    )
    assert not limit.may_change(call(), NetworkService("vpn"))
