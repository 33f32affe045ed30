"""One element, one file, one test; and files small enough to read without losing the thread."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = [p for p in sorted((ROOT / "src/nsm").rglob("*.py")) if "_gen" not in p.parts]
ELEMENTS = [
    path
    for path in SOURCES
    if "elements" in path.parts
    and path.name != "__init__.py"
    and any(
        isinstance(node, ast.ClassDef)
        and any(
            getattr(base, "id", getattr(getattr(base, "value", base), "id", ""))
            in ("Element", "RegistryElement")
            for base in node.bases
        )
        for node in ast.parse(path.read_text()).body
    )
]
RECIPES = sorted((ROOT / "src/nsm/components").rglob("recipe.py"))
LONGEST_ELEMENT = 120
LONGEST_FILE = 300
VAGUE = {"utils", "util", "common", "helpers", "helper", "base", "misc", "tools", "impl"}


def public_classes(tree: ast.Module) -> list[str]:
    return [n.name for n in tree.body if isinstance(n, ast.ClassDef) and n.name[0] != "_"]


@pytest.mark.parametrize("path", ELEMENTS, ids=lambda p: f"{p.parent.name}.{p.stem}")
def test_an_element_has_a_file_and_a_test_of_its_own(path: Path) -> None:
    tree = ast.parse(path.read_text())
    name = "".join(word.capitalize() for word in path.stem.split("_"))
    assert name in public_classes(tree)
    assert ast.get_docstring(tree), "say what it is for"
    assert len(path.read_text().splitlines()) <= LONGEST_ELEMENT
    mirror = ROOT / "tests/elements" / path.parent.name / f"test_{path.stem}.py"
    assert mirror.exists(), f"write {mirror.relative_to(ROOT)}"


def test_the_elements_are_found() -> None:
    assert len(ELEMENTS) > 20


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT / "src/nsm")))
def test_a_file_can_be_read_in_one_sitting_and_is_named_for_what_it_is(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST_FILE
    assert not VAGUE & {*path.relative_to(ROOT).parts, path.stem}


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT / "src/nsm")))
def test_modules_and_public_classes_say_what_they_are_for(path: Path) -> None:
    tree = ast.parse(path.read_text())
    if tree.body:
        assert ast.get_docstring(tree), "the module needs a sentence"
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{node.name} needs a sentence"


@pytest.mark.parametrize("path", RECIPES, ids=lambda p: p.parent.name)
def test_a_recipe_only_lists(path: Path) -> None:
    for function in ast.parse(path.read_text()).body:
        if isinstance(function, ast.FunctionDef) and not function.name.startswith("_"):
            forbidden = (ast.If, ast.For, ast.While, ast.Lambda, ast.Try)
            found = [n for n in ast.walk(function) if isinstance(n, forbidden)]
            assert not found, f"{function.name} line {found[0].lineno}" if found else ""
