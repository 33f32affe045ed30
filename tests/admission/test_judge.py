from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsm.admission import Question, Rules, explain, foresee, judge
from nsm.admission.judge import Verdict
from nsm.admission.reading import read_rules

WEB, DB = "spiffe://hello/ns/hello/web", "spiffe://hello/ns/hello/db"
EXAMPLE = """
rules:
  - name: web-uses-gateway
    allow: use
    who: "spiffe://*/ns/*/web*"
    service: secure-gateway
    labels: {app: web}
  - name: nobody-else
    deny: use
    service: secure-gateway
    because: only web may use the gateway
"""
ASKED = Question(who=WEB, service="secure-gateway", labels={"app": "web"}, domain="hello")


def rules(text: str) -> Rules:
    return read_rules(text, "rules.yaml")


def one(condition: str) -> Rules:
    """A single rule with that condition, and nothing else allowed."""
    return rules(f"default: deny\nrules:\n- {{name: it, allow: use, {condition}}}")


def test_the_first_rule_that_applies_decides() -> None:
    found = rules(EXAMPLE)
    assert judge(found, ASKED) == Verdict(True, "web-uses-gateway")
    refused = judge(found, replace(ASKED, who=DB))
    assert refused == Verdict(False, "nobody-else", "only web may use the gateway")
    assert judge(found, replace(ASKED, who=DB, service="other")) == Verdict(True, "default")


def test_a_rule_is_about_its_deeds_only() -> None:
    found = rules("rules: [{name: no, deny: [serve, register], service: s}]")
    about = Question(who=WEB, service="s")
    verdicts = [judge(found, replace(about, do=do)).allowed for do in ("use", "serve", "register")]
    assert verdicts == [True, False, False]


@pytest.mark.parametrize(
    ("condition", "met", "unmet"),
    [
        ("who: spiffe://hello/*", {}, {"who": "spiffe://other/web"}),
        ("who: [spiffe://a/*, spiffe://hello/*]", {}, {"who": "spiffe://b/web"}),
        ("service: secure-*", {}, {"service": "gateway"}),
        ('service: "*@far"', {"domain": "far"}, {"domain": "near"}),
        ("service: secure-gateway@hello", {}, {"domain": "far"}),
        ("labels: {app: web}", {"labels": {"app": "web", "b": "c"}}, {"labels": {"app": "db"}}),
        ("labels: {app: web, b: c}", {"labels": {"app": "web", "b": "c"}}, {}),
        ("labels: {version: 1.0}", {"labels": {"version": "1.0"}}, {"labels": {"version": "1"}}),
        ("domain: hel*", {}, {"domain": "far"}),
        (
            "endpoint: '*/gateway'",
            {"endpoint": "spiffe://hello/gateway"},
            {"endpoint": "spiffe://x"},
        ),
        ("payload: ip", {"payload": "IP"}, {"payload": "ETHERNET"}),
        ("mechanism: [kernel, VXLAN]", {"mechanism": "VXLAN"}, {"mechanism": "MEMIF"}),
        ("node: node-1", {"node": "node-1"}, {"node": "node-2"}),
        ("verified: proven", {}, {"verified": "vouched"}),
        ("verified: vouched", {"verified": "vouched"}, {}),
        ("hours: 08:00-18:00", {"minute": 8 * 60}, {"minute": 18 * 60}),
        ("hours: 22:00-06:00", {"minute": 23 * 60}, {"minute": 6 * 60}),
        ("hours: 22:00-06:00", {"minute": 5 * 60}, {"minute": 12 * 60}),
        ("hours: 18:00-24:00", {"minute": 24 * 60 - 1}, {"minute": 0}),
        ("hours: [06:00-07:00, 09:00-10:00]", {"minute": 9 * 60}, {"minute": 8 * 60}),
    ],
)
def test_a_condition_holds_or_does_not(condition: str, met: dict, unmet: dict) -> None:
    found = one(condition)
    assert judge(found, replace(ASKED, **met)).rule == "it"
    assert judge(found, replace(ASKED, **unmet)).rule == "default"


def test_what_is_not_known_yet_is_waited_for_only_if_it_matters() -> None:
    found = rules(
        "rules: [{name: far, deny: use, mechanism: vxlan}, {name: s, allow: use, service: s}]"
    )
    asked = Question(who=WEB, service="s")
    assert foresee(found, asked) is None
    assert judge(found, asked).rule == "s"
    assert foresee(found, replace(asked, mechanism="KERNEL")) == Verdict(True, "s")
    hopeless = rules("default: deny\nrules: [{deny: use, mechanism: vxlan}]")
    assert foresee(hopeless, asked) == Verdict(False, "default")


def test_an_explanation_ends_where_the_verdict_falls() -> None:
    steps = explain(rules(EXAMPLE), replace(ASKED, who=DB))
    assert [(step.rule.name, step.applies, step.obstacle) for step in steps] == [
        ("web-uses-gateway", False, "who"),
        ("nobody-else", True, ""),
    ]


names = st.sampled_from(["a", "b", "spiffe://a/x", "spiffe://b/y", ""])
unsure = st.none() | st.sampled_from(["IP", "ETHERNET"])
questions = st.builds(Question, who=names, service=names, domain=names, payload=unsure)
conditions = st.fixed_dictionaries(
    {},
    optional={
        "who": st.sampled_from(["spiffe://a/*", "spiffe://*"]),
        "service": st.sampled_from(["a", "*"]),
        "payload": st.sampled_from(["IP", "*"]),
    },
)
written = st.lists(st.tuples(st.sampled_from(["allow", "deny"]), conditions), max_size=6)


def told(parts: list[tuple[str, dict[str, str]]]) -> Rules:
    lines = [{verb: "use", **said} for verb, said in parts]
    return rules(f"default: deny\nrules: {lines!r}")


@given(written, questions)
def test_nothing_after_the_rule_that_decides_changes_anything(parts: list, asked: Question) -> None:
    whole = told(parts)
    verdict = judge(whole, asked)
    steps = explain(whole, asked)
    decisive = [step.rule for step in steps if step.applies]
    assert [rule.name for rule in decisive] == ([] if verdict.rule == "default" else [verdict.rule])
    shorter = replace(whole, rules=whole.rules[: len(steps)])
    assert judge(shorter, asked) == verdict


@given(written, questions)
def test_what_is_foreseen_comes_true_whatever_is_learnt(parts: list, asked: Question) -> None:
    whole = told(parts)
    foreseen = foresee(whole, asked)
    for payload in ("IP", "ETHERNET", "ELSE"):
        learnt = replace(asked, payload=asked.payload or payload)
        if foreseen is not None:
            assert judge(whole, learnt).allowed == foreseen.allowed
