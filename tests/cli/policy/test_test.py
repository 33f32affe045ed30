"""`nsm policy test` runs the cases beside rules."""

import json
from pathlib import Path

RULES = """
rules:
  - {name: web-only, allow: use, who: "*/web", service: vpn}
  - {name: nobody-else, deny: use, service: vpn, because: it is said so}
cases:
  - {who: spiffe://a/web, use: vpn, expect: allow}
  - {who: spiffe://a/db, use: vpn, expect: EXPECTED}
"""


def write(text: str) -> None:
    Path("rules.yaml").write_text(text)


def test_cases_that_come_out_as_expected_are_counted(nsm) -> None:
    write(RULES.replace("EXPECTED", "nobody-else"))
    assert nsm("policy", "test", "rules.yaml") == (0, "2 of 2 cases are as expected\n", "")


def test_a_case_that_does_not_is_said_with_its_line_and_the_rule_that_decided(nsm) -> None:
    write(RULES.replace("EXPECTED", "allow"))
    code, out, _ = nsm("policy", "test", "rules.yaml")
    assert code == 1
    assert out.startswith("rules.yaml:7: not as expected: spiffe://a/db may not use vpn")
    assert "rule nobody-else: it is said so (expected allow)" in out


def test_for_programs_every_case_is_told(nsm) -> None:
    write(RULES.replace("EXPECTED", "allow"))
    code, out, _ = nsm("policy", "test", "rules.yaml", "-o", "json")
    told = json.loads(out)
    assert (code, told["ok"], [case["ok"] for case in told["cases"]]) == (1, False, [True, False])
    assert told["cases"][1]["rule"] == "nobody-else"


def test_a_bad_file_is_2(nsm) -> None:
    assert nsm("policy", "test", "nowhere.yaml")[0] == 2
    write("rules: [{allow: usage}]")
    code, out, _ = nsm("policy", "test", "rules.yaml", "-o", "json")
    assert code == 2
    assert "rules.yaml:1: rules[1].allow" in json.loads(out)["error"]["cause"]
