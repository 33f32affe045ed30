"""Tokens, checked against PyJWT both ways."""

import contextlib
import hmac
import json
from base64 import urlsafe_b64encode

import jwt as pyjwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from nsm.errors import Invalid
from nsm.identity import jwt
from nsm.identity.authority import Authority
from nsm.identity.spiffe import SpiffeId
from nsm.identity.svid import Svid
from nsm.sdk import Clock

WEB, MANAGER = "spiffe://test/ns/x/web", "spiffe://test/ns/x/manager"
CLAIMS = jwt.Claims(WEB, (MANAGER,), 2_000_000_000)
KEY = Authority("test", Clock()).issue(SpiffeId.parse(WEB))


@pytest.fixture
def svid(authority: Authority) -> Svid:
    return authority.issue(SpiffeId.parse(WEB))


def b64(value: object) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def crafted(payload: object, header: object = None) -> str:
    return f"{b64(header or {'alg': 'ES256'})}.{b64(payload)}.{b64(b'x' * 64)}"


def test_another_library_reads_what_we_sign(svid: Svid) -> None:
    token = jwt.sign(CLAIMS, svid.key)
    said = pyjwt.decode(token, svid.key.public_key(), algorithms=["ES256"], audience=MANAGER)
    assert said == {"sub": WEB, "aud": [MANAGER], "exp": 2_000_000_000}
    assert pyjwt.get_unverified_header(token) == {"alg": "ES256", "typ": "JWT"}


def test_without_an_audience_there_is_no_aud(svid: Svid) -> None:
    said = pyjwt.decode(
        jwt.sign(jwt.Claims(WEB, (), 2e9), svid.key), options={"verify_signature": False}
    )
    assert said == {"sub": WEB, "exp": 2_000_000_000}


def test_we_read_what_another_library_signs(svid: Svid) -> None:
    token = pyjwt.encode({"sub": WEB, "aud": [MANAGER], "exp": 2_000_000_000}, svid.key, "ES256")
    assert jwt.read(token) == CLAIMS
    assert jwt.signed_by(token, svid.leaf)


def test_only_the_leafs_own_key_signs(svid: Svid, authority: Authority) -> None:
    token = jwt.sign(CLAIMS, svid.key)
    assert jwt.signed_by(token, svid.leaf)
    assert not jwt.signed_by(token, authority.issue(svid.id).leaf)
    assert not jwt.signed_by(token, b"")
    assert not jwt.signed_by("", svid.leaf)


@given(st.integers(0, 2), st.data())
def test_a_token_with_a_byte_changed_is_not_signed(part: int, data: st.DataObject) -> None:
    token = jwt.sign(CLAIMS, KEY.key).split(".")
    at = data.draw(st.integers(0, len(token[part]) - 2))  # the last digit has bits to spare
    digit = data.draw(st.sampled_from("ABZaz09-_").filter(lambda d: d != token[part][at]))
    token[part] = token[part][:at] + digit + token[part][at + 1 :]
    assert not jwt.signed_by(".".join(token), KEY.leaf)


def test_no_other_algorithm_passes(svid: Svid) -> None:
    public = svid.key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    claims = {"sub": WEB, "aud": [MANAGER], "exp": 2_000_000_000}
    honest = jwt.sign(CLAIMS, svid.key).split(".")
    confused = f"{b64({'alg': 'HS256'})}.{b64(claims)}"
    for token in (
        jwt.unsigned(CLAIMS),
        f"{confused}.{b64(hmac.digest(public, confused.encode(), 'sha256'))}",
        pyjwt.encode(claims, ec.generate_private_key(ec.SECP384R1()), "ES384"),
        f"{honest[0]}.{honest[1]}.",
    ):
        assert jwt.read(token).sub == WEB
        assert not jwt.signed_by(token, svid.leaf)


def test_a_header_that_says_otherwise_is_not_es256_though_the_bytes_are_signed(svid: Svid) -> None:
    said = f"{b64({'alg': 'none'})}.{b64({'sub': WEB})}"
    honest = jwt.sign(CLAIMS, svid.key)
    assert not jwt.signed_by(f"{said}.{honest.split('.')[2]}", svid.leaf)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a.b",
        "a.b.c.d",
        "é.b.c",
        "a b.c.d",
        "e30.e30.a",
        crafted([]),
        crafted("text"),
        crafted({"sub": 1}),
        crafted({"aud": 1}),
        crafted({"aud": [1]}),
        crafted({"exp": "soon"}),
        crafted({"exp": True}),
        crafted({"exp": 10**400}),
        crafted({"exp": float("nan")}),
        crafted({"exp": float("inf")}),
        crafted({}, ["no object"]),
        f"{b64({})}.{b64(b'[' * 2000)}.{b64(b'x')}",
        f"{b64({})}.{b64(bytes([255, 254]))}.{b64(b'x')}",
        crafted({"sub": "x" * jwt.MAX_TOKEN}),
    ],
)
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(Invalid):
        jwt.read(token)


@given(st.text(alphabet="ab.eyJ_-=\n"))
def test_no_text_does_worse_than_be_refused(text: str) -> None:
    with contextlib.suppress(Invalid):
        jwt.read(text)


def test_an_audience_that_is_no_list_is_nobody() -> None:
    assert jwt.read(crafted({"aud": MANAGER})).aud == ()
