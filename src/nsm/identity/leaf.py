"""The certificate a peer shows: what SPIFFE demands of it, and what it says."""

from dataclasses import dataclass
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

from nsm.errors import Invalid
from nsm.identity import der
from nsm.identity.spiffe import SpiffeId

REMEMBERED = 256
"""Peers, of 3 KB each; one that is read anew costs less than one token that is judged."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """An X.509-SVID's end: whose it is, the key it vouches for, and until when."""

    id: SpiffeId
    key: CertificatePublicKeyTypes
    not_after: float

    @property
    def signs_tokens(self) -> bool:
        """Whether its key can sign ES256, the one algorithm of the mesh's tokens."""
        key = self.key
        return isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)


@lru_cache(maxsize=REMEMBERED)
def read_leaf(certificate: bytes) -> Leaf:
    """Read a leaf (DER); Invalid unless it is what the X.509-SVID standard calls one."""
    parsed = der.load(certificate)
    try:
        extensions = parsed.extensions
    except ValueError as error:
        raise Invalid(f"certificate extensions do not parse: {error}") from error
    _refuse_authority(extensions)
    return Leaf(
        SpiffeId.parse(_only_uri(extensions)),
        parsed.public_key(),
        parsed.not_valid_after_utc.timestamp(),
    )


def _only_uri(extensions: x509.Extensions) -> str:
    try:
        names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        raise Invalid("certificate names nobody: it has no URI SAN") from None
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    if len(uris) != 1:
        raise Invalid(f"certificate has {len(uris)} URI SANs; a SPIFFE certificate has one")
    return uris[0]


def _refuse_authority(extensions: x509.Extensions) -> None:
    for extension in extensions:
        value = extension.value
        if isinstance(value, x509.BasicConstraints) and value.ca:
            raise Invalid("certificate is an authority's, not a workload's")
        if isinstance(value, x509.KeyUsage) and (value.key_cert_sign or value.crl_sign):
            raise Invalid("certificate may sign certificates or CRLs; a workload's may not")
