"""Rules that somebody spoils while programs go by them let nobody in, and hold nobody up."""

import asyncio
import logging
import os
import resource
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from nsm.admission import Question, explain, foresee, judge
from nsm.admission.files import understand
from nsm.errors import Invalid

from .realm import Realm
from .test_fuzz import Chance, chance, turns

pytestmark = pytest.mark.attacks
__all__ = ["chance"]

ALICE_ONLY = """
rules:
  - {name: alice-only, allow: use, who: spiffe://test/alice}
  - {name: nobody-else, deny: use}
"""
ALL = "default: allow\n"
LOOKS = 1.0
"""Seconds in which every program has looked twice at its rules."""


@asynccontextmanager
async def ruled(folder: Path, rules: Path) -> AsyncIterator[Realm]:
    made = Realm(folder)
    try:
        await made.start({"NSM_ADMISSION_RULES": str(rules)})
        yield made
    finally:
        await made.stop()


async def status(realm: Realm, name: str) -> int:
    return (await realm.person(name).ask(realm.manager.addresses[0])).status


def grown() -> int:
    """The most memory this process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def of_a_gigabyte(path: Path) -> None:
    (new := path.with_suffix(".new")).write_text(ALL)
    os.truncate(new, 1 << 30)
    new.replace(path)


SPOILT: dict[str, Callable[[Path], object]] = {
    "of a gigabyte": of_a_gigabyte,
    "cut short": lambda path: path.write_text(ALICE_ONLY[:-12]),
    "no YAML": lambda path: path.write_bytes(b"\xff\xfe{["),
    "gone": lambda path: path.unlink(),
    "a pipe": lambda path: (path.unlink(), os.mkfifo(path)),
}


@pytest.mark.parametrize("how", SPOILT)
async def test_a_spoilt_file_changes_nothing(tmp_path: Path, how: str) -> None:
    (rules := tmp_path / "rules.yaml").write_text(ALICE_ONLY)
    async with ruled(tmp_path, rules) as realm:
        before = grown()
        SPOILT[how](rules)
        await asyncio.sleep(LOOKS)
        assert await status(realm, "mallory") == 7
        assert await status(realm, "alice") == 0
        assert grown() - before < 64 << 20
        rules.unlink(missing_ok=True)
        rules.write_text(ALL)  # the control: it is looked at
        await asyncio.sleep(LOOKS)
        assert await status(realm, "mallory") == 0


async def test_a_file_replaced_again_and_again_is_one_of_those_it_was(tmp_path: Path) -> None:
    """Half of one, or a mixture of two, would let mallory in."""
    (rules := tmp_path / "rules.yaml").write_text(ALICE_ONLY)
    padded = f"# {'x' * 60_000}\n{ALICE_ONLY}"
    async with ruled(tmp_path, rules) as realm:
        for turn in range(60):
            if turn % 3:
                (new := tmp_path / "new.yaml").write_text(padded if turn % 2 else ALICE_ONLY)
                new.replace(rules)
            else:
                with rules.open("w") as file:
                    file.write(padded[: 1000 * turn])
                    file.flush()
                    await asyncio.sleep(0.02)
                    file.write(padded[1000 * turn :])
            assert await status(realm, "mallory") == 7
        assert await status(realm, "alice") == 0


async def test_a_rule_that_raises_lets_nobody_in_and_takes_nothing_down(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (rules := tmp_path / "rules.py").write_text(
        "def admit(asked):\n    if asked.do == 'use':\n        return asked.nothing"
    )
    async with ruled(tmp_path, rules) as realm:
        answer = await realm.person("alice").ask(realm.manager.addresses[0])
        assert (answer.status, realm.unmoved) == (7, True)
        assert "rule rules.py: the rule failed" in answer.said
        said = [record for record in caplog.records if record.levelno == logging.ERROR]
        assert [one.getMessage() for one in said] == [
            "rules.py failed, and denies: AttributeError in line 3"
        ]
        rules.write_text(
            "def admit(asked):\n    return asked.do != 'use' or asked.who.endswith('/alice')"
        )
        await asyncio.sleep(LOOKS)
        assert await status(realm, "alice") == 0
        assert await status(realm, "mallory") == 7


def test_rules_of_nonsense(chance: Chance) -> None:
    asked = Question(who="spiffe://test/alice", service="vpn", labels={"app": "web"})
    whole = [
        (ALICE_ONLY + "cases: [{who: spiffe://test/a, use: vpn, expect: allow}]").encode(),
        b"default: deny\nrules:\n- {allow: [use, serve], labels: {a: b}, hours: 22:00-06:00}\n",
        b"rules: [{deny: use, mechanism: [vxlan, 'k?'], payload: ip, verified: proven, node: n*}]",
    ]
    sense = 0
    for _ in turns():
        try:
            rules = understand(chance.nonsense(chance.choice(whole), whole), "r.yaml")
        except Invalid:
            continue
        sense += 1
        assert judge(rules, asked).allowed in (True, False)
        foresee(rules, asked)
        explain(rules, asked)
    assert sense
