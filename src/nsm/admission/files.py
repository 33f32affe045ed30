"""Files of rules, in YAML or in Python."""

from pathlib import Path

from nsm.admission import coded
from nsm.admission.reading import read_rules
from nsm.admission.rules import Rules
from nsm.values import LIMIT, BadFile, Problem

PYTHON = ".py"
"""How the name of a file ends that holds a function; links are followed to it."""


def understand(text: bytes, path: str) -> Rules:
    """What the text of the file at `path` says; BadFile tells all that is wrong with it."""
    file = Path(path).resolve()
    return coded.read(text, file) if file.suffix == PYTHON else read_rules(text, path)


def load(path: Path) -> Rules:
    """The rules in a file; BadFile also where there is none that can be read."""
    try:
        if path.exists() and not path.is_file():  # a pipe would hold us up
            raise OSError(0, "it is no file")
        with path.open("rb") as file:
            text = file.read(LIMIT + 1)
    except OSError as error:
        problem = Problem(0, f"can't be read: {error.strerror}", "name a file that is there")
        raise BadFile(str(path), [problem]) from None
    return understand(text, str(path))
