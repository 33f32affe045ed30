"""Change a file of entries as a person would: what is not meant stays as it is written.

Where the list is written line by line, lines are added and taken out, so comments stay. A file in
any other form is written anew.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import yaml

from nsm.documents import compose
from nsm.errors import Invalid, NotFound
from nsm.identity.entries import MOST_ENTRIES, Entry, read_entries


def added(text: str, entry: Entry, trust_domain: str) -> str:
    """The text with one more entry; Invalid where it stands there already, or is none."""
    entries = read_entries(text, trust_domain)
    read_entries(json.dumps({"entries": [entry.plain()]}), trust_domain)
    if entry in entries:
        raise Invalid(f"{entry.id} has this entry already")
    if len(entries) >= MOST_ENTRIES:
        raise Invalid(f"there are {MOST_ENTRIES} entries already")
    wanted = (*entries, entry)
    return _checked(_with_line(text, entry), wanted, trust_domain)


def removed(text: str, unwanted: Sequence[Entry], trust_domain: str) -> str:
    """The text without these entries; NotFound where one does not stand there."""
    entries = read_entries(text, trust_domain)
    for entry in unwanted:
        if entry not in entries:
            raise NotFound(f"{entry.id} has no such entry")
    wanted = tuple(entry for entry in entries if entry not in unwanted)
    places = [at for at, entry in enumerate(entries) if entry in unwanted]
    return _checked(_without_lines(text, places), wanted, trust_domain)


def written(entries: Sequence[Entry]) -> str:
    """A file of these entries."""
    lines = "".join(f"  - {_line(entry)}\n" for entry in entries)
    return f"entries:\n{lines}" if lines else "entries: []\n"


def replace(file: Path, text: str) -> None:
    """Put `text` in the file's place, all or nothing; blocks: call it from a thread."""
    try:
        mode = file.stat().st_mode & 0o777 if file.exists() else 0o600
        new = file.with_name(f".{file.name}.new")
        new.unlink(missing_ok=True)
        out = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with open(out, "w") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(opened.fileno())
        new.replace(file)
    except OSError as error:
        raise Invalid(f"{file} cannot be written: {error.strerror}") from error


def _checked(text: str | None, wanted: tuple[Entry, ...], trust_domain: str) -> str:
    """What was meant as a change of lines, if it says what it should; else all anew."""
    try:
        if text is not None and read_entries(text, trust_domain) == wanted:
            return text
    except Invalid:
        pass
    return written(wanted)


def _line(entry: Entry) -> str:
    return json.dumps(entry.plain())


def _with_line(text: str, entry: Entry) -> str | None:
    items = _items(text)
    if items is None or not items.value:
        return None
    lines = text.splitlines(keepends=True)
    end = _last_line(items.value[-1]) + 1
    before = "".join(lines[:end])
    before += "" if before.endswith("\n") else "\n"
    return f"{before}{' ' * items.start_mark.column}- {_line(entry)}\n{''.join(lines[end:])}"


def _without_lines(text: str, places: Sequence[int]) -> str | None:
    items = _items(text)
    if items is None:
        return None
    gone: set[int] = set()
    for at in places:
        item = items.value[at]
        gone.update(range(item.start_mark.line, _last_line(item) + 1))
    lines = text.splitlines(keepends=True)
    return "".join(line for at, line in enumerate(lines) if at not in gone)


def _items(text: str) -> yaml.SequenceNode | None:
    """The list of entries, if it is written line by line."""
    root = compose(text)
    if not isinstance(root, yaml.MappingNode):
        return None
    found = (value for key, value in root.value if key.value == "entries")
    node = next(found, None)
    lined = isinstance(node, yaml.SequenceNode) and not node.flow_style
    return node if lined else None


def _last_line(node: yaml.Node) -> int:
    """Where a node's own text ends; its end mark may lie beyond comments that follow."""
    if isinstance(node, yaml.MappingNode) and not node.flow_style and node.value:
        return _last_line(node.value[-1][1])
    return int(node.end_mark.line)
