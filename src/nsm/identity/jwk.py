"""Public keys that vouch for JWT-SVIDs, as JSON (RFC 7517, RFC 7518 §6)."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from nsm.errors import Invalid
from nsm.identity import jws
from nsm.identity.algorithms import LEAST_RSA, PublicKey

MOST_KEYS = 64
CURVES: Mapping[str, type[ec.EllipticCurve]] = {
    "P-256": ec.SECP256R1,
    "P-384": ec.SECP384R1,
    "P-521": ec.SECP521R1,
}
NAMES: Mapping[str, str] = {str(curve.name): name for name, curve in CURVES.items()}


@dataclass(frozen=True)
class Jwk:
    """A key, and the name tokens call it by."""

    kid: str
    key: PublicKey = field(repr=False)

    @classmethod
    def named(cls, key: ec.EllipticCurvePublicKey) -> "Jwk":
        """A key under the name that follows from itself (RFC 7638)."""
        canonical = json.dumps(_numbers(key), separators=(",", ":"), sort_keys=True)
        return cls(jws.encode_bytes(hashlib.sha256(canonical.encode()).digest()), key)

    def plain(self) -> dict[str, str]:
        """What is written of it."""
        return {**_numbers(self.key), "kid": self.kid, "use": "jwt-svid"}


def written(keys: Iterable[Jwk]) -> bytes:
    """A key set."""
    return json.dumps({"keys": [key.plain() for key in keys]}, separators=(",", ":")).encode()


def read(said: Mapping[str, Any]) -> Jwk:
    """One key of a set; Invalid where it is none that may vouch for a JWT-SVID."""
    kid = said.get("kid")
    if not isinstance(kid, str) or not 0 < len(kid) <= 1024:
        raise Invalid("a key of a key set has no name (kid)")
    if said.get("kty") == "EC":
        return Jwk(kid, _point(said))
    if said.get("kty") == "RSA":
        return Jwk(kid, _rsa(said))
    raise Invalid(f"the key {kid[:60]!r} is neither EC nor RSA")


def _point(said: Mapping[str, Any]) -> ec.EllipticCurvePublicKey:
    curve = CURVES.get(str(said.get("crv")))
    if curve is None:
        raise Invalid("a key is on a curve that JWT-SVIDs do not use")
    try:
        return ec.EllipticCurvePublicNumbers(
            _number(said, "x"), _number(said, "y"), curve()
        ).public_key()
    except ValueError:
        raise Invalid("a key is no point of its curve") from None


def _rsa(said: Mapping[str, Any]) -> rsa.RSAPublicKey:
    try:
        key = rsa.RSAPublicNumbers(_number(said, "e"), _number(said, "n")).public_key()
    except ValueError:
        raise Invalid("a key is no RSA key") from None
    if key.key_size < LEAST_RSA:
        raise Invalid(f"an RSA key has fewer than {LEAST_RSA} bits")
    return key


def _number(said: Mapping[str, Any], name: str) -> int:
    text = said.get(name)
    if not isinstance(text, str) or not 0 < len(text) <= 2048:
        raise Invalid(f"a key has no number {name}")
    return int.from_bytes(jws.decode(text), "big")


def _numbers(key: PublicKey) -> dict[str, str]:
    if isinstance(key, rsa.RSAPublicKey):
        n, e = key.public_numbers().n, key.public_numbers().e
        return {"kty": "RSA", "n": _text(n, key.key_size), "e": _text(e, e.bit_length())}
    x, y = key.public_numbers().x, key.public_numbers().y
    size = key.key_size
    return {"kty": "EC", "crv": NAMES[key.curve.name], "x": _text(x, size), "y": _text(y, size)}


def _text(number: int, bits: int) -> str:
    return jws.encode_bytes(number.to_bytes((bits + 7) // 8, "big"))
