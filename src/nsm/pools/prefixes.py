"""Prefixes in use by many, told in as few words as cover the same addresses."""

from collections import Counter
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address

from nsm.api import cidr
from nsm.pools.ranges import Ranges

FAMILIES = {4: 32, 6: 128}


class Prefixes:
    """Prefixes, each counted as often as it was added; one more costs the same among many."""

    def __init__(self, prefixes: Iterable[str] = ()) -> None:
        self._counted: Counter[str] = Counter()
        self._ranges: dict[int, Ranges] | None = None
        self.add(prefixes)

    def __contains__(self, prefix: str) -> bool:
        return prefix in self._counted

    def add(self, prefixes: Iterable[str]) -> None:
        """Count these once more."""
        for text in prefixes:
            self._counted[text] += 1
            if self._ranges is not None and self._counted[text] == 1:
                _cover(self._ranges, text)

    def remove(self, prefixes: Iterable[str]) -> None:
        """Count these once less; what is counted no more is gone."""
        for text in prefixes:
            self._counted[text] -= 1
            if self._counted[text] <= 0:
                del self._counted[text]
                self._ranges = None  # what else covered it is found out when it matters

    def fewest(self) -> Iterator[str]:
        """The fewest prefixes that cover the same addresses, in order."""
        if self._ranges is None:
            self._ranges = {version: Ranges() for version in FAMILIES}
            for text in self._counted:
                _cover(self._ranges, text)
        for version, length in FAMILIES.items():
            for first, last in self._ranges[version]:
                yield from _told(first, last, length)


def _cover(ranges: dict[int, Ranges], text: str) -> None:
    network = cidr.prefix(text)
    ranges[network.version].add(int(network.network_address), int(network.broadcast_address))


def _told(first: int, last: int, length: int) -> Iterator[str]:
    """A range as prefixes, the largest that fit."""
    kind = IPv4Address if length == 32 else IPv6Address
    while first <= last:
        fits = (last - first + 1).bit_length() - 1
        free = min(fits, (first & -first).bit_length() - 1) if first else fits
        yield f"{kind(first)}/{length - free}"
        first += 1 << free
