from itertools import pairwise

import pytest

from nsm.admission import Admission, Question, Rules, everyone, judge
from nsm.admission.reading import read_rules
from nsm.admission.standing import beside, globs
from nsm.errors import Denied
from nsm.sdk.clock import LoopClock

NINE = 9 * 3600.0


def admission(text: str, start: float = NINE) -> Admission:
    rules = read_rules(text, "r.yaml")
    return Admission(rules=lambda: rules, clock=LoopClock(start=start), name="manager-1")


@pytest.mark.parametrize(
    ("who", "allowed"),
    [
        ("spiffe://hello/ns/x/web", True),
        ("spiffe://hello", True),
        ("spiffe://hello.evil/web", False),
        ("spiffe://helloo/web", False),
        ("", False),
    ],
)
def test_without_rules_everyone_of_the_trust_domain_may_do_all(who: str, allowed: bool) -> None:
    for do in ("use", "serve", "register"):
        assert judge(everyone("hello"), Question(do=do, who=who, service="s")).allowed is allowed


@pytest.mark.looptime
async def test_a_refusal_names_who_what_where_the_rule_and_its_reason() -> None:
    desk = admission("rules: [{name: no-db, deny: use, who: '*/db', because: it said so}]")
    with pytest.raises(Denied) as refused:
        desk.check(Question(who="spiffe://a/db", service="vpn"), final=False)
    assert refused.value.cause == "spiffe://a/db may not use 'vpn': rule no-db: it said so"
    assert refused.value.hop == "manager-1"
    assert refused.value.fix
    desk.check(Question(who="spiffe://a/web", service="vpn"), final=True)


@pytest.mark.looptime
async def test_what_depends_on_the_unknown_is_let_pass_until_it_is_known() -> None:
    desk = admission("default: deny\nrules: [{allow: use, mechanism: kernel}]")
    asked = Question(who="spiffe://a/db", service="vpn")
    desk.check(asked, final=False)
    with pytest.raises(Denied, match="no rule applies"):
        desk.check(asked, final=True)


@pytest.mark.looptime
async def test_the_state_changes_when_hours_begin_and_end_and_not_else() -> None:
    desk = admission("rules: [{deny: use, hours: 10:00-11:00}]")
    asked = Question(who="spiffe://a/db", service="vpn")
    states, allowed = [desk.state], [desk.allows(asked)]
    for _ in range(3):
        await desk.clock.sleep(45 * 60)
        states.append(desk.state)
        allowed.append(desk.allows(asked))
    assert allowed == [True, True, False, True]
    assert [before == after for before, after in pairwise(states)] == [True, False, False]


def test_rules_may_be_followed_by_others_for_what_they_leave_open() -> None:
    first = read_rules("default: deny\nrules: [{name: a, deny: serve, service: x}]", "r.yaml")
    then = read_rules("rules: [{name: b, allow: serve}]", "s.yaml")
    both: Rules = first.then(then)
    about = [Question(do="serve", who="spiffe://a", service=s) for s in ("x", "y")]
    assert [judge(both, one).rule for one in about] == ["a", "b"]
    assert not judge(both, Question(who="spiffe://a", service="y")).allowed


@pytest.mark.parametrize(
    ("id", "like"),
    [
        ("spiffe://k8s.nsm/ns/nsm-system/pod/nsmgr-x", "spiffe://k8s.nsm/ns/nsm-system/pod/fwd-y"),
        ("spiffe://lab/manager", "spiffe://lab/forwarder"),
        ("spiffe://lab", "spiffe://lab"),
    ],
)
def test_unless_it_is_said_the_meshs_own_are_those_beside_us(id: str, like: str) -> None:
    here = Admission(rules=Rules, clock=LoopClock(), hops=globs(beside(id)))
    assert here.believes(id)
    assert here.believes(like)
    for stranger in ("spiffe://k8s.nsm/ns/other/pod/fwd-y", "spiffe://else/forwarder", ""):
        assert not here.believes(stranger)
