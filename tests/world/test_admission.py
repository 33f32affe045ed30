"""What a world's programs are told of who may do what."""

from pathlib import Path

import pytest

from nsm.admission import Question, Rules, judge
from nsm.admission.reading import read_rules
from nsm.values import BadFile
from nsm.world.ground import Home
from nsm.world.plan import Plan
from nsm.world.planning import plan
from nsm.world.spec_read import load, read

HOME = Home("lab", Path("/run/nsm"))
CHAIN = """
nodes: [n-1, n-2]
endpoints:
  firewall: {serves: vpn, run: firewall, replicas: 2}
  gate: {serves: vpn, run: my.py, wants: kernel://deep/nsm-2}
  gateway: {node: n-2, serves: [vpn, deep], run: icmp-responder, cidr: [172.16.1.0/24]}
workloads:
  web: {wants: kernel://vpn/nsm-1}
"""


def planned(policy: str = "") -> Plan:
    mesh = read(CHAIN + policy, Path("/home/me/lab.yaml"), lambda _: True)
    return plan(mesh, HOME, Path("/home/me"), {})


def environ(made: Plan, who: str) -> dict[str, str]:
    return dict(next(one.environ for one in made.processes if one.who == who))


def in_force(made: Plan) -> Rules:
    """The rules as a program of the world reads them."""
    files = made.domains[0].rules
    said = environ(made, "node@n-1")["NSM_ADMISSION_RULES"].split(",")
    first, *others = (read_rules(str(files[Path(name)]), name) for name in said)
    for more in others:
        first = first.then(more)
    return first


@pytest.mark.parametrize("who", ["registry@lab", "node@n-1", "node@n-2", "gateway", "gate"])
def test_only_nodes_are_believed_and_may_forward(who: str) -> None:
    said = environ(planned(), who)
    ids = [f"spiffe://lab/ns/lab/manager-{node}" for node in ("n-1", "n-2")]
    assert said["NSM_FORWARDER_IDS"].split(",") == ids
    assert "NSM_ADMISSION_RULES" not in said
    assert "NSM_ADMISSION_RULES" in environ(planned("policy: {default: deny}"), who)


def asked(name: str, do: str, service: str) -> Question:
    return Question(do=do, who=f"spiffe://lab/ns/lab/{name}", service=service, domain="lab")


@pytest.mark.parametrize(
    ("question", "allowed"),
    [
        (asked("web", "use", "vpn"), False),
        (asked("firewall-2", "use", "vpn"), True),
        (asked("gate", "use", "deep"), True),
        (asked("gate", "use", "vpn"), False),
        (asked("gateway", "use", "vpn"), False),
        (asked("gateway", "serve", "deep"), True),
        (asked("firewall-1", "serve", "deep"), False),
        (asked("manager-n-1", "serve", "forwarder"), True),
        (asked("web", "serve", "forwarder"), False),
        (asked("registry", "register", "vpn"), True),
        (asked("gateway", "register", "vpn"), False),
    ],
)
def test_what_the_file_says_needs_no_rule_and_all_else_does(
    question: Question, allowed: bool
) -> None:
    assert judge(in_force(planned("policy: {default: deny}")), question).allowed is allowed


def test_a_rule_may_forbid_serving_but_breaks_no_chain() -> None:
    rules = in_force(planned("policy: {rules: [{name: no, deny: [use, serve], service: vpn}]}"))
    assert judge(rules, asked("firewall-1", "use", "vpn")).allowed
    assert judge(rules, asked("gateway", "serve", "vpn")).rule == "no"
    assert judge(rules, asked("web", "use", "vpn")).rule == "no"


def test_rules_in_the_world_are_said_as_they_were_written() -> None:
    policy = "policy: {default: deny, rules: [{name: no, allow: use, labels: {v: 1.0, on: yes}}]}"
    rules = in_force(planned(policy))
    labelled = Question(who="spiffe://x", service="s", labels={"v": "1.0", "on": "yes"})
    assert judge(rules, labelled).rule == "no"


def test_a_file_of_rules_beside_the_world_is_named_and_read(tmp_path: Path) -> None:
    file, rules = tmp_path / "lab.yaml", tmp_path / "rules.yaml"
    file.write_text(CHAIN.replace("gate: {serves: vpn, run: my.py", "gate: {serves: vpn, run: [x]"))
    with file.open("a") as more:
        more.write("policy: rules.yaml\n")
    rules.write_text("default: deny")
    made = plan(load(file), HOME, tmp_path, {})
    assert made.domains[0].rules[HOME.rules("lab")] == rules
    rules.write_text("rules:\n- {allow: usage}")
    with pytest.raises(BadFile, match=r"rules.yaml:2: rules\[1\].allow: 'usage'"):
        load(file)


def test_what_is_wrong_with_rules_in_a_world_is_said_with_its_line() -> None:
    with pytest.raises(
        BadFile, match=r"lab.yaml:10: policy.rules\[1\].who: 'web' is like no SPIFFE id"
    ):
        planned("policy:\n  rules: [{deny: use, who: web}]\n")
