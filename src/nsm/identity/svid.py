"""Our own identity: a certificate chain and the key that goes with it."""

from dataclasses import dataclass, field
from typing import Self

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from nsm.errors import Invalid
from nsm.identity import der
from nsm.identity.leaf import Leaf, read_leaf
from nsm.identity.spiffe import SpiffeId

MAX_KEY = 16 * 1024


@dataclass(frozen=True, slots=True)
class Svid:
    """An X.509-SVID with an EC P-256 key, leaf first; `hint` is the issuer's word on its use."""

    id: SpiffeId
    chain: tuple[bytes, ...] = field(repr=False)
    key: ec.EllipticCurvePrivateKey = field(repr=False)
    not_after: float
    hint: str = ""

    @classmethod
    def parse(cls, chain: bytes, key: bytes, *, id: str = "", hint: str = "") -> Self:
        """Read what a Workload API sent: chain in DER, key in PKCS#8 DER, the id it claims."""
        certificates = der.split(chain)
        if not certificates:
            raise Invalid("the SVID has no certificate")
        leaf = read_leaf(certificates[0])
        if id and id != str(leaf.id):
            raise Invalid(f"the SVID says {id!r} and its certificate {str(leaf.id)!r}")
        return cls(leaf.id, certificates, _load_key(key, leaf), leaf.not_after, hint)

    @property
    def leaf(self) -> bytes:
        """The certificate peers see, in DER."""
        return self.chain[0]

    def key_der(self) -> bytes:
        """The private key in PKCS#8 DER, as the Workload API sends it."""
        return self.key.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )


def _load_key(data: bytes, leaf: Leaf) -> ec.EllipticCurvePrivateKey:
    if not leaf.signs_tokens:
        raise Invalid(
            f"the SVID of {leaf.id} has no EC P-256 key, and the mesh's tokens are ES256",
            fix="have the issuer use key type ec-p256",
        )
    try:
        key = serialization.load_der_private_key(data[:MAX_KEY], password=None)
    except (ValueError, TypeError):
        raise Invalid(f"the private key of {leaf.id} is not PKCS#8") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != leaf.key:
        raise Invalid(f"the private key does not belong to the certificate of {leaf.id}")
    return key
