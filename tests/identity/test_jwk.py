"""Public keys as JSON."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from nsm.errors import Invalid
from nsm.identity import jwk
from nsm.identity.jwk import Jwk

KEY = ec.generate_private_key(ec.SECP256R1()).public_key()
GOOD = Jwk.named(KEY).plain()


def test_what_is_written_is_read_as_the_same() -> None:
    keys = [
        Jwk.named(KEY),
        Jwk("big", ec.generate_private_key(ec.SECP521R1()).public_key()),
        Jwk("rsa", rsa.generate_private_key(65537, 2048).public_key()),
    ]
    said = json.loads(jwk.written(keys))["keys"]
    assert [jwk.read(each) for each in said] == keys
    assert {each["use"] for each in said} == {"jwt-svid"}


def test_a_key_is_named_by_its_rfc_7638_thumbprint() -> None:
    x = "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"
    y = "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"
    key = jwk.read({"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": "any"}).key
    assert Jwk.named(key).kid == "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s"


@pytest.mark.parametrize(
    "said",
    [
        GOOD | {"kid": ""},
        GOOD | {"kid": 7},
        GOOD | {"kid": "k" * 2000},
        GOOD | {"kty": "oct", "k": "c2VjcmV0"},
        GOOD | {"crv": "secp256k1"},
        GOOD | {"x": GOOD["y"]},
        GOOD | {"x": "!"},
        GOOD | {"x": None},
        {"kid": "k", "kty": "RSA", "n": "AQAB", "e": "AQAB"},
        {"kid": "k", "kty": "RSA", "n": "", "e": "AQAB"},
        {"kid": "k", "kty": "RSA", "n": "A" * 5000, "e": "AQAB"},
    ],
)
def test_what_cannot_vouch_for_a_token_is_refused(said: dict[str, object]) -> None:
    assert jwk.read(GOOD)
    with pytest.raises(Invalid):
        jwk.read(said)
