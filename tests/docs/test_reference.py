"""Pages say what is so: generated ones are fresh, examples are real, links lead somewhere."""

import ast
import re
import runpy
from pathlib import Path

import pytest
import yaml

from .pages import LINK, PAGES, ROOT, blocks, name

WRITER = runpy.run_path(str(ROOT / "scripts/write_reference.py"))
PYTHON = [(page, block) for page in PAGES for block in blocks(page) if block.language == "python"]
README = ROOT / "README.md"


@pytest.mark.parametrize("page", WRITER["PAGES"])
def test_a_generated_page_is_fresh(page: str) -> None:
    fresh = WRITER["PAGES"][page]()
    assert (ROOT / "docs" / page).read_text() == fresh, "stale: run make reference"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        target, _, anchor = link.partition("#")
        found = page.parent / target if target else page
        assert found.exists(), f"{link} leads nowhere"
        if anchor:
            assert anchor in anchors(found), f"{link}: there is no such heading"


def links(page: Path) -> list[str]:
    """Where the page leads, of what is here."""
    return [link for link in LINK.findall(page.read_text()) if "://" not in link]


def anchors(page: Path) -> set[str]:
    """What headings are linked by."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings}


@pytest.mark.parametrize(("page", "block"), PYTHON, ids=lambda one: getattr(one, "file", "") or "")
def test_python_on_a_page_is_python(page: Path, block) -> None:
    ast.parse(block.text)


def test_the_readme_shows_the_example_that_is_shipped() -> None:
    shown = [block.text for block in blocks(README) if block.language == "python"]
    assert shown == [(ROOT / "examples/greet.py").read_text()]


def test_the_readme_shows_the_smallest_world_that_is_shipped() -> None:
    shown = [yaml.safe_load(block.text) for block in blocks(README) if block.language == "yaml"]
    worlds = [one for one in shown if "workloads" in one]
    assert worlds == [yaml.safe_load((ROOT / "examples/hello.yaml").read_text())]


def test_every_page_is_reached_from_the_readme() -> None:
    reached, todo = set(), {README}
    while todo:
        reached.add(page := todo.pop())
        linked = {(page.parent / link.partition("#")[0]).resolve() for link in links(page)}
        todo |= linked & set(PAGES) - reached
    assert {name(page) for page in set(PAGES) - reached} == set()
