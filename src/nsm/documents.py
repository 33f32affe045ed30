"""YAML from files and variables, read with care: bounded in size, depth and references, no tags."""

import yaml

from nsm.errors import Invalid

LARGEST = 1 << 20
"""Bytes."""
DEEPEST = 32
"""Lists and mappings in each other; composing what is far deeper would end the process."""
LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read(text: str | bytes) -> object:
    """What a document says, in plain Python values; None for an empty one. Invalid if it cannot be.

    References (`*name`) are refused: a few of them can stand for more than fits into memory.
    """
    check(text, references=False)
    try:
        return yaml.load(text, LOADER)
    except (yaml.YAMLError, ValueError) as error:
        raise _invalid(error) from None


def compose(text: str | bytes) -> yaml.Node | None:
    """The same as nodes, which know their lines."""
    check(text, references=True)
    try:
        return yaml.compose(text, LOADER)
    except (yaml.YAMLError, ValueError) as error:
        raise _invalid(error) from None


def check(text: str | bytes, *, references: bool) -> None:
    """Raise Invalid for what is too large or too deep to be worth reading."""
    if len(text) > LARGEST:
        raise Invalid(f"more than {LARGEST} bytes of YAML")
    depth = 0
    try:
        for event in yaml.parse(text, LOADER):
            opens = isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent)
            closes = isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent)
            depth += opens - closes
            if depth > DEEPEST:
                raise Invalid(f"more than {DEEPEST} lists and mappings in each other")
            if isinstance(event, yaml.AliasEvent) and not references:
                raise Invalid("references (*name) are not read here", fix="write it out")
    except (yaml.YAMLError, ValueError) as error:
        raise _invalid(error) from None


def _invalid(error: Exception) -> Invalid:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line = f"line {mark.line + 1}: " if mark else ""
    said = getattr(error, "problem", None) or str(error)
    return Invalid(f"{line}no YAML: {said.splitlines()[0] if said else 'unreadable'}")
