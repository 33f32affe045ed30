"""What a page says is held by a test is held by one that exists."""

import re
from pathlib import Path

import pytest

from .pages import PAGES, ROOT, name

NAMED = re.compile(r"\]\((\S+\.py)\): (`test_\w+`(?:, `test_\w+`)*)")
TEST = re.compile(r"`(test_\w+)`")
PROVEN = [ROOT / "docs" / "reliability.md", ROOT / "docs" / "upstream-tests.md"]


def named(page: Path) -> list[tuple[Path, str]]:
    """Each test that the page names, and the file it names it in."""
    found = NAMED.findall(page.read_text())
    return [(page.parent / file, test) for file, tests in found for test in TEST.findall(tests)]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_test_named_as_a_proof_stands_in_the_file_named_with_it(page: Path) -> None:
    missing = [
        f"{file}: {test}"
        for file, test in named(page)
        if not file.is_file() or f"def {test}(" not in file.read_text()
    ]
    assert not missing


@pytest.mark.parametrize("page", PROVEN, ids=name)
def test_no_test_is_named_without_its_file(page: Path) -> None:
    tests = TEST.findall(page.read_text())
    assert tests
    assert len(tests) == len(named(page))
