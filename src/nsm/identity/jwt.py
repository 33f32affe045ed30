"""The mesh's tokens on the wire: JWTs signed ES256, read strictly and checked once (W §5.3).

Reading and checking are pure, and the same few tokens are judged at every hop of a process and on
the way back: the last few hundred answers are remembered.
"""

from functools import lru_cache
from math import isfinite
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec

from nsm.errors import Invalid
from nsm.identity import algorithms, jws
from nsm.identity.leaf import read_leaf

MAX_TOKEN = 4096
"""Characters in a token; honest ones have about 400."""
REMEMBERED = 512
"""Answers, of 1 KB each: requests that are under way have fewer tokens, as those that one hop
signs for another in the same second are the same."""


class Claims(NamedTuple):
    """What a token says: who asks whom, and when it stops being good (seconds since the epoch)."""

    sub: str = ""
    aud: tuple[str, ...] = ()
    exp: float | None = None


def sign(claims: Claims, key: ec.EllipticCurvePrivateKey) -> str:
    """The token that says `claims`; no audience, no `aud`."""
    return jws.signed(_HEADER, jws.encode(_payload(claims)), key)


@lru_cache(maxsize=REMEMBERED)
def read(token: str) -> Claims:
    """What a token says, whoever signed it; Invalid when it is no JWT."""
    header, payload, signature = jws.split(token, MAX_TOKEN)
    if len(signature) % 4 == 1:
        raise Invalid("not a token: its signature is cut short")
    jws.header_in(header)
    said = jws.object_in(payload)
    return Claims(_text(said.get("sub", "")), _audience(said.get("aud", [])), _time(said))


@lru_cache(maxsize=REMEMBERED)
def signed_by(token: str, leaf: bytes) -> bool:
    """Whether the key in the certificate `leaf` (DER) signed `token`, with ES256 and no other."""
    try:
        header, payload, signature = jws.split(token, MAX_TOKEN)
        if jws.header_in(header).get("alg") != "ES256":
            return False
        key = read_leaf(leaf).key
        return algorithms.signed_by(key, "ES256", f"{header}.{payload}", jws.decode(signature))
    except Invalid:
        return False


def unsigned(claims: Claims) -> str:
    """A token nobody vouches for; good in tests that have no certificates."""
    return f"{jws.encode({'alg': 'none', 'typ': 'JWT'})}.{jws.encode(_payload(claims))}."


def _payload(claims: Claims) -> dict[str, object]:
    audience = {"aud": list(claims.aud)} if claims.aud else {}
    expiry = {} if claims.exp is None else {"exp": int(claims.exp)}
    return {"sub": claims.sub, **audience, **expiry}


def _audience(value: object) -> tuple[str, ...]:
    """W §10.28: an array; a lone text counts for nothing, as policies go through an array."""
    if isinstance(value, str):
        return ()
    if not isinstance(value, list):
        raise Invalid("a token's audience is a list")
    return tuple([_text(each) for each in value])


def _time(said: dict[str, Any]) -> float | None:
    value = said.get("exp")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Invalid("a token's expiry is a number")
    if abs(value) > 1e15 or not isfinite(value):
        raise Invalid("a token's expiry is no time")
    return float(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise Invalid("a token names people in text")
    return value


_HEADER = jws.encode({"alg": "ES256", "typ": "JWT"})
