"""`nsm policy can` answers for ids and rules that need not be there; live ones: tests/world."""

import json
from pathlib import Path

import pytest

WHO = "spiffe://lab/x"
RULES = """
default: deny
rules:
  - {name: web, allow: use, who: "*/web", service: vpn, labels: {app: web}}
  - {name: night, allow: use, who: "*/cron", hours: 22:00-06:00}
  - {name: far, allow: use, who: "*/far", mechanism: vxlan}
  - {name: at-home, allow: [use, serve], who: "*/own", service: vpn@lab, node: n-1}
"""


@pytest.fixture
def can(nsm):
    Path("r.yaml").write_text(RULES)
    return lambda *words: nsm("policy", "can", *words, "--rules", "r.yaml")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["spiffe://lab/web", "vpn", "--label", "app=web"], 0),
        (["spiffe://lab/web", "vpn"], 1),
        (["spiffe://lab/cron", "vpn", "--at", "23:30"], 0),
        (["spiffe://lab/cron", "vpn", "--at", "12:00"], 1),
        (["spiffe://lab/far", "vpn", "--mechanism", "vxlan"], 0),
        (["spiffe://lab/own", "vpn", "--node", "n-1"], 0),
        (["spiffe://lab/own", "vpn@other", "--node", "n-1"], 1),
        (["spiffe://lab/own", "vpn", "--node", "n-1", "--do", "serve"], 0),
        (["spiffe://lab/own", "vpn", "--node", "n-1", "--do", "register"], 1),
    ],
)
def test_the_exit_code_is_the_answer(can, words: list[str], code: int) -> None:
    assert can(*words)[0] == code


def test_what_depends_is_said_and_is_no_yes(can) -> None:
    code, out, _ = can("spiffe://lab/far", "vpn", "--explain")
    assert code == 1
    assert "may perhaps use vpn" in out
    assert "--mechanism" in out
    assert "  far: allows, if mechanism is as it says\n" in out


def test_an_explanation_says_of_each_rule_why_it_does_not_apply(can) -> None:
    code, out, _ = can(WHO, "vpn", "--explain", "-o", "json")
    told = json.loads(out)
    assert (code, told["allowed"], told["rule"]) == (1, False, "default")
    assert [(step["rule"], step["obstacle"]) for step in told["steps"]] == [
        ("web", "who"),
        ("night", "who"),
        ("far", "who"),
        ("at-home", "who"),
    ]


@pytest.mark.parametrize("words", [["web"], [WHO, "--label", "a"], [WHO, "--at", "noon"]])
def test_what_makes_no_sense_is_said(can, words: list[str]) -> None:
    code, _, complaint = can(words[0], "vpn", *words[1:])
    assert code == 1
    assert "fix:" in complaint
