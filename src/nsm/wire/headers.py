"""What travels beside messages, as text: when a token ends, and the tokens of a registration."""

import json
import re
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from nsm.api.timestamp import BILLION, EPOCH, Timestamp
from nsm.errors import Invalid

TOKEN = "nsm-client-token"
EXPIRES = "nsm-client-token-expires"
PATH = "path"
WORKLOAD = "workload.spiffe.io"
"""Header that a caller of the Workload API must send, with the value `true`."""

MOST_TOKENS = 128
LONGEST_PATH = 1 << 20
"""Characters of a `path` header; a token is some hundreds."""

RECENT = 64
"""Moments remembered: what is said in one second ends in the same one."""

_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:[.,](\d{1,32}))?(?:[Zz]|([+-])(\d\d):(\d\d))",
    re.ASCII,
)


@lru_cache(maxsize=RECENT)
def write_moment(when: Timestamp) -> str:
    """RFC 3339 in UTC, to the nanosecond, without idle zeros (W §1.4)."""
    if not 0 <= when.nanos < BILLION:
        raise Invalid(f"{when.nanos} are no nanoseconds of a second")
    try:
        text = (EPOCH + timedelta(seconds=when.seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    except OverflowError:
        raise Invalid(f"{when.seconds} s after 1970 is beyond the year 9999") from None
    digits = f".{when.nanos:09}".rstrip("0") if when.nanos else ""
    return f"{text.zfill(19)}{digits}Z"


@lru_cache(maxsize=RECENT)
def read_moment(text: str) -> Timestamp:
    """The moment that RFC 3339 text says; digits beyond the ninth are dropped."""
    match = _MOMENT.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        day, clock, digits, sign, hours, minutes = match.groups()
        since = datetime.fromisoformat(f"{day}T{clock}+00:00") - EPOCH
        east = _seconds_east(sign, int(hours or 0), int(minutes or 0))
    except ValueError:
        raise Invalid(
            f"{text[:64]!r} is no moment", fix="write it as 2026-01-02T03:04:05.6Z (RFC 3339)"
        ) from None
    return Timestamp(
        since.days * 86400 + since.seconds - east, int((digits or "0")[:9].ljust(9, "0"))
    )


def write_path(index: int, tokens: list[str]) -> str:
    """The `path` header of a registration (W §1.4)."""
    segments = [{"token": token} for token in tokens] or None
    return json.dumps({"Index": index, "PathSegments": segments}, separators=(",", ":"))


def read_path(text: str) -> tuple[int, list[str]]:
    """Index and tokens; Invalid where the header says neither. Keys are read in any case, as Go."""
    if len(text) > LONGEST_PATH:
        raise Invalid(f"a path header of {len(text)} characters")
    try:
        said = _keyed(json.loads(text))
        index, segments = said.get("index") or 0, said.get("pathsegments") or []
        tokens = [_keyed(segment).get("token") or "" for segment in segments]
        whole = isinstance(segments, list) and _is_index(index)
        if not whole or not all(isinstance(token, str) for token in tokens):
            raise TypeError
    except (TypeError, ValueError, RecursionError):
        raise Invalid("a path header that is not JSON of an index and tokens") from None
    if len(tokens) > MOST_TOKENS:
        raise Invalid(f"a path header of {len(tokens)} tokens", fix=f"no more than {MOST_TOKENS}")
    return index, tokens


def _seconds_east(sign: str | None, hours: int, minutes: int) -> int:
    if hours > 23 or minutes > 59:
        raise ValueError
    return (hours * 3600 + minutes * 60) * (-1 if sign == "-" else 1)


def _keyed(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError
    return {key.lower(): item for key, item in value.items()}


def _is_index(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 32
