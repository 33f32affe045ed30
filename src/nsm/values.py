"""Reading YAML strictly: every value knows its line, and every complaint is kept until the end."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TypeVar

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from nsm.errors import Invalid

T = TypeVar("T")
LIMIT = 1 << 20
"""Bytes of a file; a world of a thousand workloads has a tenth of it."""
DEEPEST = 40
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's, because the other reads no NS-URL with a question mark inside brackets."""
SCALARS = {"str": "text", "int": "a number", "float": "a number", "bool": "true or false"}
SCALARS |= {"null": "nothing", "timestamp": "a date"}


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Something wrong with a file: where, what, and what would be right."""

    line: int
    what: str
    fix: str

    def __str__(self) -> str:
        where = f"{self.line}: " if self.line else " "
        return f"{where}{self.what}; {self.fix}" if self.fix else f"{where}{self.what}"


class BadFile(Invalid):
    """A file that can't be used as it is; holds every reason, in the file's order."""

    def __init__(self, file: str, problems: list[Problem], fix: str = "mend these lines") -> None:
        self.problems = sorted(set(problems))
        lines = "\n".join(f"{file}:{problem}" for problem in self.problems)
        super().__init__(lines, fix=fix)


@dataclass(slots=True)
class Problems:
    """What has been found wrong so far."""

    found: list[Problem] = field(default_factory=list)

    def add(self, line: int, what: str, fix: str = "") -> None:
        """Keep a complaint."""
        self.found.append(Problem(line, what, fix))


@dataclass(frozen=True, slots=True)
class Value:
    """A value of the file under the name it goes by; wrong kinds are complained of, not raised."""

    node: Node
    name: str
    problems: Problems
    line: int
    """Where it stands, or its key does, from 1."""

    @property
    def kind(self) -> str:
        """What it is, as one would say it."""
        if isinstance(self.node, MappingNode):
            return "a mapping"
        if isinstance(self.node, SequenceNode):
            return "a list"
        return SCALARS.get(self.node.tag.rpartition(":")[2], "something else")

    @property
    def is_list(self) -> bool:
        """Whether it is a list."""
        return isinstance(self.node, SequenceNode)

    @property
    def is_mapping(self) -> bool:
        """Whether it is a mapping."""
        return isinstance(self.node, MappingNode)

    def wrong(self, what: str, fix: str = "") -> None:
        """Complain of this value."""
        self.problems.add(self.line, f"{self.name or 'the file'}: {what}", fix)

    def expected(self, what: str) -> None:
        """Complain that this value is of the wrong kind."""
        self.wrong(f"this is {self.kind}", f"write {what}")

    def text(self, what: str = "text") -> str | None:
        """Text written as text; anything else is complained of as not being `what`."""
        if isinstance(self.node, ScalarNode) and self.kind == "text":
            return str(self.node.value)
        self.expected(what)
        return None

    def word(self, what: str = "text") -> str | None:
        """A scalar as it stands in the file, so that `version: 1.0` stays 1.0 and `no` stays no."""
        if isinstance(self.node, ScalarNode) and self.kind != "nothing":
            return str(self.node.value)
        self.expected(what)
        return None

    def flag(self) -> bool:
        """True or false; false where it is neither."""
        if self.kind == "true or false":
            return str(self.node.value).lower() in ("true", "yes", "on")
        self.expected("true or false")
        return False

    def number(self, least: int, most: int) -> int:
        """A whole number between two bounds; the least where it is none."""
        text = str(self.node.value) if isinstance(self.node, ScalarNode) else ""
        plain = self.kind == "a number" and text.isdecimal() and len(text) < 10
        if plain and least <= int(text) <= most:
            return int(text)
        self.wrong(f"{text or self.kind} is not a whole number from {least} to {most}")
        return least

    def items(self, what: str) -> list["Value"]:
        """The members of a list."""
        if not isinstance(self.node, SequenceNode):
            self.expected(what)
            return []
        return [Value(item, self.name, self.problems, line_of(item)) for item in self.node.value]

    def one_or_more(self) -> list["Value"]:
        """The members of a list, or the one thing that stands in its place."""
        return self.items("a list") if self.is_list else [self]

    def entries(self, what: str) -> Iterator[tuple[str, "Value"]]:
        """The entries of a mapping; complains of keys that are no text or stand twice."""
        if not isinstance(self.node, MappingNode):
            self.expected(what)
            return
        seen: dict[str, int] = {}
        for key, node in self.node.value:
            line = line_of(key)
            if not isinstance(key, ScalarNode):
                self.problems.add(line, f"{self.name}: a key that is not text", f"write {what}")
            elif key.value in seen:
                again = f"{self.name}: {key.value!r} stands here and in line {seen[key.value]}"
                self.problems.add(line, again, "keep one of them")
            else:
                seen[key.value] = line
                name = f"{self.name}.{key.value}".removeprefix(".")
                yield str(key.value), Value(node, name, self.problems, line)

    def fields(self, *known: str) -> "Fields":
        """The entries of a mapping with fixed keys; complains of any other."""
        found = {}
        for key, value in self.entries(f"a mapping with the keys {', '.join(known)}"):
            if key in known:
                found[key] = value
            else:
                self.problems.add(value.line, f"unknown key {value.name!r}", closest(key, known))
        return Fields(self, found)

    def texts(self, read: Callable[["Value"], T | None]) -> tuple[T, ...]:
        """One thing or a list of them, each read by `read`; those that are wrong are left out."""
        got = [read(item) for item in self.one_or_more()]
        return tuple(one for one in got if one is not None)

    def choose(self, first: str, *others: str) -> str:
        """One of a few words; where it is none of them, the first."""
        known = (first, *others)
        text = self.text(" or ".join(known))
        if text is not None and text not in known:
            self.wrong(f"{text[:60]!r} is not known", closest(text, known))
        return text if text in others else first


@dataclass(frozen=True, slots=True)
class Fields:
    """The entries of a mapping with fixed keys, by key."""

    owner: Value
    found: dict[str, Value]

    def get(self, key: str) -> Value | None:
        """An entry, if it is there."""
        return self.found.get(key)

    def need(self, key: str, example: str) -> Value | None:
        """An entry that must be there; complains if it is not."""
        if key not in self.found and self.owner.is_mapping:
            self.owner.wrong(f"{key}: is missing", f"add `{example}`")
        return self.found.get(key)

    def read(self, key: str, read: Callable[[Value], T], default: T) -> T:
        """What `read` makes of an entry, or the default where there is none."""
        return read(self.found[key]) if key in self.found else default


def line_of(node: Node) -> int:
    """The line a node begins in, from 1."""
    return int(node.start_mark.line) + 1


def closest(word: str, known: tuple[str, ...]) -> str:
    """What was perhaps meant by `word`."""
    near = get_close_matches(word, known, 1)
    return f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"


def parse(text: str, problems: Problems) -> Value | None:
    """The document in `text`, or None when it is not YAML at all (which is complained of)."""
    if len(text) > LIMIT:
        problems.add(1, f"more than {LIMIT >> 20} MiB", "split it")
        return None
    try:
        if _depth(text) > DEEPEST:
            problems.add(1, f"more than {DEEPEST} lists and mappings in each other", "unfold it")
            return None
        node = yaml.compose(text, Loader=LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problems.add(mark.line + 1 if mark else 1, f"not YAML: {error.problem}", "mend the syntax")
        return None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        problems.add(1, f"not YAML: {str(error).splitlines()[0]}", "mend the syntax")
        return None
    if node is None:
        problems.add(1, "the file says nothing", "write something into it")
        return None
    return Value(node, "", problems, line_of(node))


def _depth(text: str) -> int:
    """How deep it is nested; asked first, because composing what is too deep ends the process."""
    depth = deepest = 0
    for event in yaml.parse(text, Loader=LOADER):
        opens = isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent)
        closes = isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent)
        depth += opens - closes
        deepest = max(deepest, depth)
        if deepest > DEEPEST:
            break
    return deepest
