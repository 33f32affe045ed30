"""Prefixes in use by many, told in as few words as cover the same addresses."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv6Address

from nsm.api import cidr
from nsm.api.cidr import Network
from nsm.pools.ranges import Ranges

FAMILIES = {4: 32, 6: 128}


class Prefixes:
    """Prefixes, each counted as often as it was added; one more or less costs the same among many.

    Those that are written otherwise and mean the same are counted apart.
    """

    def __init__(self, prefixes: Iterable[str] = ()) -> None:
        self._counted: Counter[str] = Counter()
        self._networks: Counter[Network] = Counter()
        self._lengths: Counter[tuple[int, int]] = Counter()
        self._ranges: dict[int, Ranges] | None = None
        self.add(prefixes)

    def __contains__(self, prefix: str) -> bool:
        return prefix in self._counted

    def count(self, prefix: str) -> int:
        """How often it was added, less how often it was removed."""
        return self._counted.get(prefix, 0)

    def add(self, prefixes: Iterable[str]) -> None:
        """Count these once more."""
        for text in prefixes:
            if text not in self._counted:
                self._appear(cidr.prefix(text))
            self._counted[text] += 1

    def remove(self, prefixes: Iterable[str]) -> None:
        """Count these once less; what is counted no more is gone. They are counted."""
        for text in prefixes:
            self._counted[text] -= 1
            if not self._counted[text]:
                del self._counted[text]
                self._vanish(cidr.prefix(text))

    @contextmanager
    def without(self, these: Collection[str]) -> Iterator[None]:
        """Count these once less until the block ends."""
        self.remove(these)
        try:
            yield
        finally:
            self.add(these)

    def fewest(self) -> Iterator[str]:
        """The fewest prefixes that cover the same addresses, in order."""
        if self._ranges is None:
            self._ranges = {version: Ranges() for version in FAMILIES}
            for network in self._networks:
                self._ranges[network.version].add(*_ends(network))
        for version, length in FAMILIES.items():
            for first, last in self._ranges[version]:
                yield from _told(first, last, length)

    def _appear(self, network: Network) -> None:
        self._networks[network] += 1
        if self._networks[network] == 1:
            self._lengths[network.version, network.prefixlen] += 1
            if self._ranges is not None:
                self._ranges[network.version].add(*_ends(network))

    def _vanish(self, network: Network) -> None:
        self._networks[network] -= 1
        if self._networks[network]:
            return
        del self._networks[network]
        length = network.version, network.prefixlen
        self._lengths[length] -= 1
        if not self._lengths[length]:
            del self._lengths[length]
        if self._ranges is None or self._is_covered(network):
            return
        if self._has_longer(network):
            self._ranges = None  # which of it is still covered is found out when it matters
        else:
            self._ranges[network.version].remove(*_ends(network))

    def _is_covered(self, network: Network) -> bool:
        """Whether another one that is counted holds all of it."""
        return any(
            network.supernet(new_prefix=length) in self._networks
            for version, length in self._lengths
            if version == network.version and length < network.prefixlen
        )

    def _has_longer(self, network: Network) -> bool:
        """Whether another one may hold a part of it."""
        return any(
            version == network.version and length > network.prefixlen
            for version, length in self._lengths
        )


def _ends(network: Network) -> tuple[int, int]:
    return int(network.network_address), int(network.broadcast_address)


def _told(first: int, last: int, length: int) -> Iterator[str]:
    """A range as prefixes, the largest that fit."""
    kind = IPv4Address if length == 32 else IPv6Address
    while first <= last:
        fits = (last - first + 1).bit_length() - 1
        free = min(fits, (first & -first).bit_length() - 1) if first else fits
        yield f"{kind(first)}/{length - free}"
        first += 1 << free
