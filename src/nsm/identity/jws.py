"""Signed texts of three parts in base64url (RFC 7515), taken apart and put together strictly."""

import json
import re
from base64 import urlsafe_b64encode
from binascii import a2b_base64
from collections.abc import Callable
from functools import lru_cache
from operator import attrgetter
from typing import Any, NoReturn

from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256

from nsm.errors import Invalid

_JWT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_URLSAFE = bytes.maketrans(b"-_", b"+/")
_ES256 = ec.ECDSA(SHA256())
_HALF = 32  # bytes of each of the two numbers of a P-256 signature


def split(token: str, most: int) -> list[str]:
    """Header, payload and signature; Invalid for what is longer than `most` or no token at all."""
    if len(token) > most:
        raise Invalid(f"a token has at most {most} characters, this one {len(token)}")
    if not _JWT.fullmatch(token):
        raise Invalid("not a token: no three parts of base64url")
    return token.split(".")


def object_in(part: str) -> dict[str, Any]:
    """The JSON object a part says; Invalid where it says none, or one key twice."""
    try:
        found = _json_in(decode(part).decode())
    except (ValueError, RecursionError):
        raise Invalid("not a token: a part of it is not JSON") from None
    if not isinstance(found, dict):
        raise Invalid("not a token: a part of it is no JSON object")
    return found


@lru_cache(maxsize=64)
def header_in(part: str) -> dict[str, Any]:
    """The same, remembered: headers are few, every token of a peer begins with the same."""
    return object_in(part)


def encode(value: object) -> str:
    """A part that says `value`."""
    return encode_bytes(_say(value).encode())


def encode_bytes(data: bytes) -> str:
    """Base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(part: str) -> bytes:
    """The bytes of a part."""
    try:
        return a2b_base64(part.encode().translate(_URLSAFE) + b"=" * (-len(part) % 4))
    except ValueError:
        raise Invalid("not a token: a part of it is not base64url") from None


def signed(header: str, payload: str, key: ec.EllipticCurvePrivateKey) -> str:
    """The whole token, signed ES256."""
    said = f"{header}.{payload}"
    r, s = utils.decode_dss_signature(key.sign(said.encode(), _ES256))
    return f"{said}.{encode_bytes(r.to_bytes(_HALF, 'big') + s.to_bytes(_HALF, 'big'))}"


def _json_in(text: str) -> object:
    """What JSON says; the scanner alone takes two thirds of the time, and allows nothing around."""
    try:
        found, end = _scan(text, 0)
    except StopIteration:
        end = -1
    return found if end == len(text) else _JSON.decode(text)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


_JSON = json.JSONDecoder(parse_constant=_refuse, object_pairs_hook=_once)
_scan: Callable[[str, int], tuple[object, int]] = attrgetter("scan_once")(_JSON)
_say = json.JSONEncoder(separators=(",", ":")).encode
