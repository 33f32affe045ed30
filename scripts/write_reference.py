"""Write docs/elements.md and docs/settings.md from the code: `make reference`."""

import ast
import sys
from importlib import import_module
from pathlib import Path

from nsm.config import describe

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src/nsm"
RECIPES = [*sorted(SOURCE.glob("chains/*.py")), *sorted(SOURCE.rglob("recipe.py"))]
PROGRAMS = {
    "nsm registry": ("nsm.components.registry.config", "Config"),
    "nsm manager": ("nsm.components.manager.config", "Config"),
    "nsm forwarder": ("nsm.components.forwarder.config", "Config"),
    "nsm node": ("nsm.node.config", "Config"),
    "nsm client": ("nsm.components.client.config", "Config"),
    "nsm endpoint icmp-responder, or a Python file": ("nsm.endpoint.config", "Config"),
    "nsm endpoint passthrough": ("nsm.components.endpoint.config", "PassthroughConfig"),
    "nsm endpoint firewall": ("nsm.components.endpoint.config", "FirewallConfig"),
    "nsm identity": ("nsm.components.identity.config", "Config"),
}


def elements() -> str:
    """Every element by concern: what it is for, and which recipes have it."""
    lines = [
        "# Elements",
        "",
        "Generated from the code by `make reference`. A recipe is a list of these.",
    ]
    for folder in sorted(path for path in (SOURCE / "elements").iterdir() if path.is_dir()):
        rows = [row for path in sorted(folder.glob("*.py")) if (row := element(path))]
        if rows:
            package = ast.parse((folder / "__init__.py").read_text())
            about = (ast.get_docstring(package) or "").splitlines()[:1]
            lines += ["", f"## {folder.name}", *about, "", "| element | what it does | in |"]
            lines += ["|---|---|---|", *rows]
    return "\n".join(lines) + "\n"


def element(path: Path) -> str:
    """The row of one element; empty for a module that is none."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef) and any("Element" in ast.unparse(b) for b in node.bases):
            said = (ast.get_docstring(node) or "").split("\n\n")[0].replace("\n", " ")
            return f"| `{node.name}` | {said} | {', '.join(used_in(node.name))} |"
    return ""


def used_in(name: str) -> list[str]:
    """The recipes an element stands in, by what people call them."""
    found = []
    for path in RECIPES:
        names = {n.id for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Name)}
        if name in names:
            found.append(path.parent.name if path.stem == "recipe" else f"chains/{path.stem}")
    return found


def settings() -> str:
    """Every program's settings."""
    lines = [
        "# Settings",
        "",
        "Generated from the code by `make reference`; `nsm PROGRAM --help` prints the same.",
    ]
    for program, (module, name) in PROGRAMS.items():
        lines += ["", f"## {program}", "", describe(getattr(import_module(module), name)).strip()]
    return "\n".join(lines) + "\n"


PAGES = {"elements.md": elements, "settings.md": settings}

if __name__ == "__main__":
    for page, write in PAGES.items():
        (ROOT / "docs" / page).write_text(write())
    sys.exit(0)
