"""The nine ways to sign that the JWT-SVID standard allows (RFC 7518 §3.1), checked and no other."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm

LEAST_RSA = 2048
"""Bits of an RSA key (RFC 7518 §3.3)."""

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey


@dataclass(frozen=True, slots=True)
class Algorithm:
    """A digest, and the curve of the key, or for RSA whether it is PSS."""

    digest: HashAlgorithm
    curve: type[ec.EllipticCurve] | None = None
    pss: bool = False
    _ecdsa: ec.ECDSA = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_ecdsa", ec.ECDSA(self.digest))

    def check(self, key: object, said: bytes, signature: bytes) -> None:
        """Raise InvalidSignature unless `key` is of the kind and has signed `said`."""
        if isinstance(key, ec.EllipticCurvePublicKey):
            self._check_curve(key, said, signature)
        elif isinstance(key, rsa.RSAPublicKey) and not self.curve and key.key_size >= LEAST_RSA:
            key.verify(signature, said, self._padding(), self.digest)
        else:
            raise InvalidSignature

    def _check_curve(self, key: ec.EllipticCurvePublicKey, said: bytes, signature: bytes) -> None:
        half = (key.key_size + 7) // 8
        if not self.curve or not isinstance(key.curve, self.curve) or len(signature) != 2 * half:
            raise InvalidSignature
        r, s = int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
        key.verify(utils.encode_dss_signature(r, s), said, self._ecdsa)

    def _padding(self) -> padding.AsymmetricPadding:
        if not self.pss:
            return padding.PKCS1v15()
        return padding.PSS(padding.MGF1(self.digest), self.digest.digest_size)


ALGORITHMS: Mapping[str, Algorithm] = {
    "ES256": Algorithm(SHA256(), ec.SECP256R1),
    "ES384": Algorithm(SHA384(), ec.SECP384R1),
    "ES512": Algorithm(SHA512(), ec.SECP521R1),
    "RS256": Algorithm(SHA256()),
    "RS384": Algorithm(SHA384()),
    "RS512": Algorithm(SHA512()),
    "PS256": Algorithm(SHA256(), pss=True),
    "PS384": Algorithm(SHA384(), pss=True),
    "PS512": Algorithm(SHA512(), pss=True),
}
"""By the name a token's header gives; symmetric ones and `none` are not among them."""


def signed_by(key: object, alg: object, said: str, signature: bytes) -> bool:
    """Whether `key` signed `said` in the way called `alg`."""
    algorithm = ALGORITHMS.get(alg) if isinstance(alg, str) else None
    if algorithm is None:
        return False
    try:
        algorithm.check(key, said.encode(), signature)
    except InvalidSignature:
        return False
    return True
