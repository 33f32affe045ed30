"""JWT-SVIDs: identities as tokens for audiences that no TLS connection reaches.

Minted with a key that follows from a root's own: so a store keeps nothing more, both end together,
and neither key signs what the other vouches for. Read as the JWT-SVID standard says, to the letter.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from nsm.errors import Invalid
from nsm.identity import jws
from nsm.identity.algorithms import ALGORITHMS, signed_by
from nsm.identity.certificates import Ca
from nsm.identity.jwk import Jwk
from nsm.identity.spiffe import SpiffeId

MAX_SVID = 16 * 1024
"""Characters."""
MOST_AUDIENCES = 64
MAX_AUDIENCE = 2048
SKEW = 60.0
"""Seconds a clock elsewhere may be ahead of ours; what has expired has expired."""
LATEST = 1e15
"""No time is later, in seconds since the epoch."""
HEADERS = {"alg", "kid", "typ"}
"""The only ones the standard lets a JWT-SVID have."""
TYPES = (None, "JWT", "JOSE")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whose a token is, and all it says."""

    id: SpiffeId
    claims: Mapping[str, Any]


def check_audience(audience: Sequence[str]) -> tuple[str, ...]:
    """The audience as it is, if a token may be for it."""
    if not audience or not all(audience):
        raise Invalid("audience must be specified", fix="name whom the token is for")
    if len(audience) > MOST_AUDIENCES or max(map(len, audience)) > MAX_AUDIENCE:
        raise Invalid(f"at most {MOST_AUDIENCES} audiences of {MAX_AUDIENCE} characters each")
    return tuple(audience)


def mint(
    key: ec.EllipticCurvePrivateKey, id: SpiffeId, audience: Sequence[str], now: float, until: float
) -> str:
    """A token by which `id` is known to `audience` until then."""
    header = {"alg": "ES256", "kid": Jwk.named(key.public_key()).kid, "typ": "JWT"}
    said = {
        "aud": list(check_audience(audience)),
        "exp": int(until),
        "iat": int(now),
        "sub": str(id),
    }
    return jws.signed(jws.encode(header), jws.encode(said), key)


def signing_key(root: Ca) -> ec.EllipticCurvePrivateKey:
    """The key by which `root` signs tokens, always the same (the scalar as in FIPS 186-5 A.2.1)."""
    curve, secret = ec.SECP256R1(), root.key.private_numbers().private_value
    material = secret.to_bytes((root.key.key_size + 7) // 8, "big")
    derived = HKDF(SHA256(), length=40, salt=None, info=b"nsm jwt-svid").derive(material)
    scalar = int.from_bytes(derived, "big") % (curve.group_order - 1) + 1
    return ec.derive_private_key(scalar, curve)


def validate(token: str, audience: str, keys: Mapping[str, Iterable[Jwk]], now: float) -> Verdict:
    """Whose `token` is; Invalid unless a key of its own trust domain's says so, for `audience`."""
    (wanted,) = check_audience([audience])
    header_part, payload, signature = jws.split(token, MAX_SVID)
    header, claims = jws.object_in(header_part), jws.object_in(payload)
    _check_header(header)
    id = _member(claims)
    key = _key(keys, id, header["kid"])
    if not signed_by(key.key, header["alg"], f"{header_part}.{payload}", jws.decode(signature)):
        raise Invalid(f"the token of {id} is not signed by the key it names")
    _check_times(claims, now)
    if wanted not in _audience(claims):
        raise Invalid(f"the token of {id} is not for {wanted[:200]!r}")
    return Verdict(id, claims)


def _check_header(header: Mapping[str, Any]) -> None:
    if more := header.keys() - HEADERS:
        raise Invalid(f"a JWT-SVID has no header {min(more)[:60]!r}")
    if str(header.get("alg")) not in ALGORITHMS:
        raise Invalid(f"a JWT-SVID is signed by {', '.join(ALGORITHMS)}, and nothing else")
    if header.get("typ") not in TYPES:
        raise Invalid("a JWT-SVID is of type JWT or JOSE")
    if not isinstance(header.get("kid"), str):
        raise Invalid("the token does not name the key it is signed with (kid)")


def _member(claims: Mapping[str, Any]) -> SpiffeId:
    subject = claims.get("sub")
    if not isinstance(subject, str):
        raise Invalid("the token says nobody's name (sub)")
    return SpiffeId.parse(subject)


def _key(keys: Mapping[str, Iterable[Jwk]], id: SpiffeId, kid: str) -> Jwk:
    if id.trust_domain not in keys:
        raise Invalid(f"nothing is known here of trust domain {id.trust_domain}")
    found = next((key for key in keys[id.trust_domain] if key.kid == kid), None)
    if found is None:
        raise Invalid(f"{id.trust_domain} has no key {kid[:60]!r}")
    return found


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    expiry = _time(claims, "exp")
    if expiry is None:
        raise Invalid("the token never ends (exp)")
    if expiry <= now:
        raise Invalid("the token has expired")
    if any((_time(claims, name) or now) > now + SKEW for name in ("nbf", "iat")):
        raise Invalid("the token is not good yet")


def _time(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < LATEST:
        raise Invalid(f"the token's {name} is no time")
    return float(value)


def _audience(claims: Mapping[str, Any]) -> list[str]:
    """An array, or a lone text (RFC 7519 §4.1.3)."""
    said = claims.get("aud")
    named = [said] if isinstance(said, str) else said
    if not isinstance(named, list) or not all(isinstance(each, str) for each in named):
        raise Invalid("the token is for nobody (aud)")
    return named
