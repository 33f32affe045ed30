"""`nsm-sim` tells a story, or which of many went wrong."""

import json

import pytest
from click.testing import CliRunner

from nsm.sim.__main__ import command, parse


def test_one_seed_is_told_as_a_timeline() -> None:
    said = CliRunner().invoke(command, ["3"])
    assert said.exit_code == 0
    assert said.output.startswith("seed 3: registry")
    assert "is killed" in said.output
    assert "all held" in said.output


def test_many_seeds_are_counted() -> None:
    said = CliRunner().invoke(command, ["--seeds", "5..7", "-j", "1", "-o", "json"])
    found = json.loads(said.output)
    assert (said.exit_code, found["seeds"], found["failed"]) == (0, 3, [])


def test_one_or_many_must_be_said() -> None:
    assert CliRunner().invoke(command, []).exit_code == 2
    assert CliRunner().invoke(command, ["1", "--seeds", "1..2"]).exit_code == 2
    assert CliRunner().invoke(command, ["--seeds", "a..b"]).exit_code == 2


@pytest.mark.parametrize(("text", "seeds"), [("3", [3]), ("3..5", [3, 4, 5])])
def test_a_range_holds_both_its_ends(text: str, seeds: list[int]) -> None:
    assert list(parse(text)) == seeds
