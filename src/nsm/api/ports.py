"""Ports and protocols of policy routes, as text and as what the text means (W §1.2)."""

import re

from nsm.errors import Invalid

_RANGE = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?", re.ASCII)


def port_range(text: str) -> tuple[int, int] | None:
    """First and last port of "80" or "80-90"; None where nothing is said."""
    if not text:
        return None
    match = _RANGE.fullmatch(text)
    first = int(match[1]) if match else 1
    last = int(match[2] or first) if match else 0
    if not first <= last <= 0xFFFF:
        raise Invalid(f"{text[:32]!r} are no ports", fix="write 80, or 8000-8080")
    return first, last


def protocol(text: str) -> int | None:
    """The number of an IP protocol; None where nothing is said."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and int(text) <= 0xFF):
        raise Invalid(f"{text[:32]!r} is no IP protocol", fix="write its number: 6 is TCP, 17 UDP")
    return int(text)
