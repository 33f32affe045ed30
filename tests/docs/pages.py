"""The pages people read, taken apart."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"# (\S+\.(?:py|yaml))\n")
MAKE = re.compile(r"^\s*make ([a-z]+)", re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced block; one that begins with `# greet.py` is that file."""

    language: str
    text: str

    @property
    def file(self) -> str:
        """The name of the file it is, if it is one."""
        found = NAMED.match(self.text)
        return found[1] if found else ""

    def naming(self, own: str) -> str:
        """What gives the mesh, if it is a world, a name of its own."""
        world, _, kind = self.file.partition(".")
        return f"name: {world}{own}\n" if kind == "yaml" and "workloads:" in self.text else ""

    @property
    def targets(self) -> list[str]:
        """The targets of make that it names."""
        return MAKE.findall(self.text)


def blocks(page: Path) -> list[Block]:
    """What stands between fences, in order."""
    return [Block(language, text) for language, text in BLOCK.findall(page.read_text())]


def name(page: Path) -> str:
    """The page, as people call it."""
    return str(page.relative_to(ROOT))
