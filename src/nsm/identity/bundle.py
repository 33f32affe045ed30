"""Whom we believe: for each trust domain, the certificates its members' chains may end in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from nsm.errors import Invalid
from nsm.identity import der
from nsm.identity.spiffe import SpiffeId, check_trust_domain

MAX_DOMAINS = 1024


@dataclass(frozen=True, slots=True)
class Bundles:
    """Anchors (DER) by trust domain: our own, and those we federate with."""

    anchors: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict)

    @classmethod
    def parse(cls, own: SpiffeId, bundle: bytes, federated: Mapping[str, bytes]) -> Self:
        """Read what a Workload API sent; federated bundles go by trust domain or its id."""
        if len(federated) > MAX_DOMAINS:
            raise Invalid(f"more than {MAX_DOMAINS} federated trust domains")
        others = {_domain(name): der.split(data) for name, data in federated.items()}
        anchors = {**others, own.trust_domain: der.split(bundle)}
        if not anchors[own.trust_domain]:
            raise Invalid(f"the bundle of {own.trust_domain} is empty")
        return cls(anchors)

    @property
    def pool(self) -> bytes:
        """All anchors of all domains, end to end: who can be heard out at all."""
        return b"".join(der for each in self.anchors.values() for der in each)

    def vouches(self, id: SpiffeId, anchor: bytes) -> bool:
        """Whether `anchor` may speak for the trust domain of `id`: no other domain's may."""
        return anchor in self.anchors.get(id.trust_domain, ())


def _domain(name: str) -> str:
    return check_trust_domain(name.removeprefix("spiffe://"))
