"""The rules that pages show say what is said of them."""

import pytest

from nsm.admission import cases, coded
from nsm.admission.reading import rules_in
from nsm.values import Problems, parse

from .pages import ROOT, Block, blocks


def the_block(page: str, beginning: str) -> Block:
    (found,) = [one for one in blocks(ROOT / page) if one.text.startswith(beginning)]
    return found


def test_the_first_page_shows_admission_in_five_lines_that_are_right() -> None:
    block = the_block("README.md", "policy:\n")
    assert len(block.text.splitlines()) <= 6
    problems = Problems()
    root = parse(block.text, problems)
    policy = root.fields("policy").get("policy") if root else None
    assert policy
    outcomes = cases.run(rules_in(policy))
    assert not problems.found
    assert outcomes
    assert all(one.expected for one in outcomes)


def test_the_function_that_is_shown_is_one(tmp_path) -> None:
    (path := tmp_path / "vault.py").touch()
    rules = coded.read(the_block("docs/admission.md", "# vault.py\n").text.encode(), path)
    assert [one.expected for one in cases.run(rules)] == [True]


def test_a_page_without_it_would_be_noticed() -> None:
    with pytest.raises(ValueError, match="not enough"):
        the_block("CONTRIBUTING.md", "policy:\n")
