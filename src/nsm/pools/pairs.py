"""Addresses go in pairs: one for each end of a vWire."""

from collections.abc import Sequence
from dataclasses import dataclass

from nsm.api.cidr import Address, Network


@dataclass(frozen=True, slots=True)
class Pair:
    """The endpoint's address and the client's."""

    dst: Address
    src: Address

    def within(self, networks: Sequence[Network]) -> bool:
        """Whether one of the two lies in any of these."""
        return any(a in n for a in (self.dst, self.src) for n in networks if n.version == a.version)
