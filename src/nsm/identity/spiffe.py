"""SPIFFE ids: text that says who someone is, checked to the letter of the SPIFFE-ID standard."""

import re
from dataclasses import dataclass
from typing import Self

from nsm.errors import Invalid

SCHEME = "spiffe://"
MAX_ID = 2048
"""Bytes in a whole id, scheme included."""

_DOMAIN = re.compile(r"[a-z0-9._-]{1,255}")
_PATH = re.compile(r"(?:/[A-Za-z0-9._-]+)*")


@dataclass(frozen=True, slots=True, order=True)
class SpiffeId:
    """A name within a trust domain; no path means the trust domain itself."""

    trust_domain: str
    path: str = ""

    def __str__(self) -> str:
        return f"{SCHEME}{self.trust_domain}{self.path}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an id; Invalid says which rule it breaks."""
        if len(text) > MAX_ID:
            raise Invalid(f"a SPIFFE id has at most {MAX_ID} bytes, this one {len(text)}")
        if not text.startswith(SCHEME):
            raise Invalid(f"{text[:80]!r} is no SPIFFE id", fix="write spiffe://<trust domain>/…")
        domain, slash, path = text.removeprefix(SCHEME).partition("/")
        return cls(check_trust_domain(domain), _check_path(slash + path))


def check_trust_domain(text: str) -> str:
    """The trust domain's name as it is, if it may be one."""
    if not _DOMAIN.fullmatch(text):
        raise Invalid(
            f"{text[:80]!r} is no trust domain",
            fix="use 1 to 255 of a-z, 0-9, dot, dash and underscore",
        )
    return text


def _check_path(path: str) -> str:
    if not _PATH.fullmatch(path):
        raise Invalid(
            f"{path[:80]!r} is no path of a SPIFFE id",
            fix="use letters, digits, dot, dash and underscore between single slashes",
        )
    if {".", ".."} & set(path.split("/")):
        raise Invalid(f"{path[:80]!r}: a SPIFFE id's path has no '.' or '..'")
    return path
