"""Patterns over names: `*` is any text, slashes included; `?` one character, `[ab]` one of two."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import translate


@dataclass(frozen=True, slots=True)
class Glob:
    """A pattern, compiled once; case counts. Matching takes time in proportion to the text."""

    text: str
    _match: Callable[[str], object] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        plain = not set("?[") & set(self.text)
        match = _Stars(self.text).match if plain else re.compile(translate(self.text)).match
        object.__setattr__(self, "_match", match)

    def matches(self, name: str) -> bool:
        """Whether all of `name` is like the pattern."""
        return bool(self._match(name))


class _Stars:
    """The common case, which is cheap to compile: text with stars in it."""

    __slots__ = ("between", "first", "last", "least")

    def __init__(self, text: str) -> None:
        self.first, *rest = text.split("*")
        self.last = rest.pop() if rest else None
        self.between = [part for part in rest if part]
        self.least = len(text) - text.count("*")

    def match(self, name: str) -> bool:
        if self.last is None:
            return name == self.first
        ends = name.startswith(self.first) and name.endswith(self.last)
        if not ends or len(name) < self.least:
            return False
        at, end = len(self.first), len(name) - len(self.last)
        for part in self.between:
            at = name.find(part, at, end)
            if at < 0:
                return False
            at += len(part)
        return True
