"""Addresses, prefixes and groups of prefixes, as text and as what the text means."""

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Self

from nsm.errors import Invalid

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LONGEST = 49
"""Characters of an IPv6 prefix written in full, an IPv4 one inside it."""

_PREFIX = re.compile(r"[0-9a-fA-F:.]{2,45}/[0-9]{1,3}", re.ASCII)


def address(text: str) -> Address:
    """An address; no zone, no leading zeros."""
    try:
        if len(text) > LONGEST or "%" in text:
            raise ValueError
        return _address(text)
    except ValueError:
        raise Invalid(
            f"{text[:64]!r} is no IP address", fix="write 10.0.0.1 or 2001:db8::1"
        ) from None


def prefix(text: str) -> Network:
    """A prefix; bits of the host are cleared, as everywhere in the mesh."""
    try:
        if not _PREFIX.fullmatch(text):
            raise ValueError
        return _network(text)
    except ValueError:
        raise Invalid(
            f"{text[:64]!r} is no prefix", fix="write address/length, such as 10.0.0.0/24"
        ) from None


def host(text: str) -> Address:
    """The address in `10.0.0.1/24`, or in plain `10.0.0.1`."""
    bare, slash, _ = text.partition("/")
    if slash:
        prefix(text)
    return address(bare)


class Groups(tuple[tuple[Network, ...], ...]):
    """Prefixes by group: an address comes from each group, from its first prefix that has one."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `[a,b],[c],d`: three groups; the one written without brackets has one prefix."""
        return cls(tuple(prefix(item) for item in group) for group in groups(text))


def groups(text: str) -> tuple[tuple[str, ...], ...]:
    """Read `[a,b],[c],d`; spaces mean nothing, and what is half said is refused (W §14)."""
    bare = "".join(text.split())
    if not bare:
        return ()
    if not re.fullmatch(rf"{_GROUP}(,{_GROUP})*", bare):
        raise Invalid(
            f"{text[:64]!r} are no groups",
            fix="write [a,b],[c]: brackets closed, none within another, nothing left empty",
        )
    found = re.finditer(r"\[([^]]*)\]|([^,\[\]]+)", bare)
    return tuple(tuple((match[1] or match[2]).split(",")) for match in found)


_ITEM = r"[^,\[\]]+"
_GROUP = rf"(?:\[{_ITEM}(?:,{_ITEM})*\]|{_ITEM})"


@lru_cache(4096)
def _address(text: str) -> Address:
    return ip_address(text)


@lru_cache(4096)
def _network(text: str) -> Network:
    return ip_network(text, strict=False)
