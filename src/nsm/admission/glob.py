"""Patterns over names: `*` is any text, slashes included; `?` one character, `[ab]` one of two."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import translate
from typing import Self

from nsm.errors import Invalid

SCHEME = "spiffe://"


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


class IdGlob(Glob):
    """A pattern over SPIFFE ids."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read one; Invalid where no id could be like it, which nobody wants."""
        literal = re.split(r"[*?[]", text)[0]
        if not (literal.startswith(SCHEME) or (literal != text and SCHEME.startswith(literal))):
            raise Invalid(
                f"{text[:80]!r} is like no SPIFFE id", fix=f"write spiffe://*/{text[:80]}"
            )
        return cls(text)


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
