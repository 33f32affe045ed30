"""What a page says is held by a test is held by one that exists."""

import re

from .pages import ROOT

PAGE = ROOT / "docs" / "reliability.md"
NAMED = re.compile(r"\]\((\S+\.py)\): `(test_\w+)`")


def test_every_test_named_as_a_proof_stands_in_the_file_named_with_it() -> None:
    named = NAMED.findall(PAGE.read_text())
    assert named
    missing = [
        f"{file}: {test}"
        for file, test in named
        if f"def {test}(" not in (PAGE.parent / file).read_text()
    ]
    assert not missing
