"""Rules as a Python function."""

import logging
import os
from dataclasses import replace
from pathlib import Path

import pytest

from nsm.admission import Question, Rules, cases, explain, foresee, judge
from nsm.admission.coded import read
from nsm.admission.judge import Verdict
from nsm.values import BadFile

WEB = Question(who="spiffe://lab/web", service="vault", labels={"app": "web"}, domain="lab")
BUILT = replace(WEB, endpoint="spiffe://lab/gw", payload="IP", mechanism="KERNEL")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (path := tmp_path / "vault.py").touch()
    return path


def rules(path: Path, body: str) -> Rules:
    """A file whose function does this."""
    return read(f"def admit(asked):\n    {body}\n".encode(), path)


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        ("return True", Verdict(True, "vault.py")),
        ("return False", Verdict(False, "vault.py")),
        ("return f'{asked.who} is none'", Verdict(False, "vault.py", "spiffe://lab/web is none")),
        ("return None", Verdict(True, "default")),
        ("return asked.labels == {'app': 'web'}", Verdict(True, "vault.py")),
        ("return 'two\\nlines\\x1b[1m'", Verdict(False, "vault.py", "two lines [1m")),
        ("return 'x' * 10_000", Verdict(False, "vault.py", "x" * 500)),
    ],
)
def test_its_answer_decides(path: Path, body: str, verdict: Verdict) -> None:
    assert judge(rules(path, body), WEB) == foresee(rules(path, body), WEB) == verdict


@pytest.mark.parametrize(
    "body",
    [
        "raise ValueError",
        "raise SystemExit(0)",
        "return 1",
        "return {'allow': True}",
        "return asked.color",
        "return admit(asked)",
        "yield True",
        "asked.labels.clear(); asked.who = 7; raise TypeError(asked.who)",
    ],
)
def test_whatever_fails_lets_nobody_in_and_is_said_once(path, body: str, caplog) -> None:
    made = rules(path, body)
    for _ in range(3):
        assert not judge(made, replace(WEB)).allowed
        assert foresee(made, replace(WEB)) == judge(made, replace(WEB))
    failures = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(failures) <= 1
    assert dict(WEB.labels) == {"app": "web"}


def test_what_is_not_known_yet_is_waited_for_even_if_the_function_hides_it(path: Path) -> None:
    for body in (
        "return asked.mechanism == 'VXLAN' or 'only far'",
        "try: asked.mechanism\n    except Exception: return True\n"
        "    return asked.mechanism == 'VXLAN' or 'only far'",
    ):
        made = rules(path, body)
        assert foresee(made, WEB) is None
        assert [step.obstacle for step in explain(made, WEB)] == ["mechanism", "mechanism"]
        assert foresee(made, BUILT) == Verdict(False, "vault.py", "only far")
        assert judge(made, replace(BUILT, mechanism="VXLAN")).allowed
        assert not judge(made, WEB).allowed  # at last, what is not known is None


def test_it_is_asked_once_for_each_question(path: Path) -> None:
    made = rules(path, "asked.labels['calls']; COUNT.append(1); return None")
    counted = replace(WEB, labels={"calls": "x"})
    names = made.rules[0].function._said.__globals__
    names["COUNT"] = []
    judge(made, counted)
    assert names["COUNT"] == [1]


def test_it_may_change_its_mind_with_the_time(path: Path) -> None:
    made = rules(path, "return asked.minute < 60")
    assert made.hours(59) != made.hours(60)
    assert Rules().hours(59) == Rules().hours(60)


@pytest.mark.parametrize(
    "text",
    [
        "def admit(asked:",
        "admit = 7",
        "async def admit(asked): return True",
        "raise SystemExit(0)",
        "1 / 0",
        "",
        "\0",
        "(" * 5000,
        "def admit(asked): return True\nCASES = 7",
        "def admit(asked): return True\nCASES = [{'who': 'x'}]",
        "def admit(asked): return True\nCASES = [object()]",
    ],
)
def test_a_file_that_is_no_use_is_refused_as_a_whole(path: Path, text: str) -> None:
    with pytest.raises(BadFile, match=r"vault\.py"):
        read(text.encode(), path)


def test_what_others_may_write_is_not_run(path: Path) -> None:
    path.chmod(0o666)
    with pytest.raises(BadFile, match="may be written by others"):
        rules(path, "return True")
    path.chmod(0o644)
    if os.geteuid() == 0:
        os.chown(path, 65534, 65534)
        with pytest.raises(BadFile, match="may be written by others"):
            rules(path, "return True")


def test_cases_stand_beside_it_and_know_their_lines(path: Path) -> None:
    made = read(
        b"""
def admit(asked):
    return asked.service != "vault" or "it is shut"


CASES = [
    {"who": "spiffe://lab/web", "use": "vault", "expect": "vault.py"},
    {"who": "spiffe://lab/web", "use": "other", "expect": "deny"},
]
""",
        path,
    )
    outcomes = cases.run(made)
    assert [(one.case.line, one.expected) for one in outcomes] == [(7, True), (8, False)]
