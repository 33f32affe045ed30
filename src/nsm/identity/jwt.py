"""The mesh's tokens on the wire: JWTs signed ES256, read strictly and checked once (W §5.3).

Reading and checking are pure, and the same few tokens are judged at every hop of a process and on
the way back: the last few thousand answers are remembered.
"""

import json
import re
from base64 import urlsafe_b64encode
from binascii import a2b_base64
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite
from typing import Any, NoReturn

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256

from nsm.errors import Invalid
from nsm.identity.leaf import read_leaf

MAX_TOKEN = 4096
"""Characters in a token; honest ones have about 400."""
REMEMBERED = 2048

_JWT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_URLSAFE = bytes.maketrans(b"-_", b"+/")
_ES256 = ec.ECDSA(SHA256())
_HALF = 32  # bytes of each of the two numbers of a P-256 signature


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says: who asks whom, and when it stops being good (seconds since the epoch)."""

    sub: str = ""
    aud: tuple[str, ...] = ()
    exp: float | None = None


def sign(claims: Claims, key: ec.EllipticCurvePrivateKey) -> str:
    """The token that says `claims`; no audience, no `aud`."""
    said = f"{_HEADER}.{_encode(_payload(claims))}"
    r, s = utils.decode_dss_signature(key.sign(said.encode(), _ES256))
    return f"{said}.{_b64(r.to_bytes(_HALF, 'big') + s.to_bytes(_HALF, 'big'))}"


@lru_cache(maxsize=REMEMBERED)
def read(token: str) -> Claims:
    """What a token says, whoever signed it; Invalid when it is no JWT."""
    header, payload, signature = _parts(token)
    if len(signature) % 4 == 1:
        raise Invalid("not a token: its signature is cut short")
    _header(header)
    said = _object(payload)
    return Claims(_text(said.get("sub", "")), _audience(said.get("aud", [])), _time(said))


@lru_cache(maxsize=REMEMBERED)
def signed_by(token: str, leaf: bytes) -> bool:
    """Whether the key in the certificate `leaf` (DER) signed `token`, with ES256 and no other."""
    try:
        header, payload, signature = _parts(token)
        raw = _decode(signature)
        certificate = read_leaf(leaf)
        if len(raw) != 2 * _HALF or not certificate.signs_tokens:
            return False
        if _header(header).get("alg") != "ES256":
            return False
        pair = utils.encode_dss_signature(
            int.from_bytes(raw[:_HALF], "big"), int.from_bytes(raw[_HALF:], "big")
        )
        key = certificate.key
        assert isinstance(key, ec.EllipticCurvePublicKey)
        key.verify(pair, f"{header}.{payload}".encode(), _ES256)
    except (Invalid, InvalidSignature):
        return False
    return True


def unsigned(claims: Claims) -> str:
    """A token nobody vouches for; good in tests that have no certificates."""
    return f"{_encode({'alg': 'none', 'typ': 'JWT'})}.{_encode(_payload(claims))}."


def _payload(claims: Claims) -> dict[str, object]:
    audience = {"aud": list(claims.aud)} if claims.aud else {}
    expiry = {} if claims.exp is None else {"exp": int(claims.exp)}
    return {"sub": claims.sub, **audience, **expiry}


def _parts(token: str) -> list[str]:
    if len(token) > MAX_TOKEN:
        raise Invalid(f"a token has at most {MAX_TOKEN} characters, this one {len(token)}")
    if not _JWT.fullmatch(token):
        raise Invalid("not a token: no three parts of base64url")
    return token.split(".")


@lru_cache(maxsize=64)
def _header(part: str) -> dict[str, Any]:
    """Headers are few: every token of a peer begins with the same."""
    return _object(part)


def _object(part: str) -> dict[str, Any]:
    try:
        found = _JSON.decode(_decode(part).decode())
    except (ValueError, RecursionError):
        raise Invalid("not a token: a part of it is not JSON") from None
    if not isinstance(found, dict):
        raise Invalid("not a token: a part of it is no JSON object")
    return found


def _audience(value: object) -> tuple[str, ...]:
    """W §10.28: an array; a lone text counts for nothing, as policies go through an array."""
    if isinstance(value, str):
        return ()
    if not isinstance(value, list):
        raise Invalid("a token's audience is a list")
    return tuple(map(_text, value))


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


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _encode(value: object) -> str:
    return _b64(json.dumps(value, separators=(",", ":")).encode())


def _b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(part: str) -> bytes:
    try:
        return a2b_base64(part.encode().translate(_URLSAFE) + b"=" * (-len(part) % 4))
    except ValueError:
        raise Invalid("not a token: a part of it is not base64url") from None


_JSON = json.JSONDecoder(parse_constant=_refuse)
_HEADER = _encode({"alg": "ES256", "typ": "JWT"})
