"""JWT-SVIDs, with somebody else's JOSE beside ours."""

import json
from base64 import urlsafe_b64encode

import jwt as oracle
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from nsm.errors import Invalid
from nsm.identity import jwk, jws
from nsm.identity.authority import Authority
from nsm.identity.jwk import Jwk
from nsm.identity.jwt_svid import mint, signing_key, validate
from nsm.identity.spiffe import SpiffeId
from nsm.sdk import Clock

WEB = SpiffeId("test", "/web")
NOW = 1_800_000_000.0
KEY = ec.generate_private_key(ec.SECP256R1())
OTHER = ec.generate_private_key(ec.SECP256R1())
BIG = rsa.generate_private_key(65537, 2048)
KID = Jwk.named(KEY.public_key()).kid
KEYS = {"test": (Jwk.named(KEY.public_key()),), "other": (Jwk.named(OTHER.public_key()),)}
SAID = {"sub": str(WEB), "aud": ["db"], "exp": int(NOW) + 60, "iat": int(NOW)}
WRONG = (
    "no three parts|not base64url|is not JSON|no JSON object|no header|signed by|of type|kid|sub"
    "|SPIFFE|trust domain|has no key|signed|ends|expired|not good yet|is no time|is not for|aud"
)


def forged(header: object = None, said: object = None, key=KEY) -> str:
    header = {"alg": "ES256", "kid": KID, "typ": "JWT"} if header is None else header
    return jws.signed(jws.encode(header), jws.encode(SAID if said is None else said), key)


def test_what_is_minted_is_believed_by_us_and_by_others() -> None:
    token = mint(KEY, WEB, ["db", "cache"], NOW, NOW + 60)
    verdict = validate(token, "cache", KEYS, NOW)
    assert verdict.id == WEB
    (key,) = oracle.PyJWKSet.from_json(jwk.written(KEYS["test"]).decode()).keys
    assert key.key_id == oracle.get_unverified_header(token)["kid"]
    options = {"verify_exp": False, "verify_iat": False}
    found = oracle.decode(token, key, ["ES256"], audience="db", options=options)
    assert found == verdict.claims
    assert found == {"aud": ["db", "cache"], "exp": NOW + 60, "iat": NOW, "sub": str(WEB)}


@pytest.mark.parametrize(
    ("alg", "key"),
    [
        ("ES256", KEY),
        ("ES384", ec.generate_private_key(ec.SECP384R1())),
        ("ES512", ec.generate_private_key(ec.SECP521R1())),
        *((f"{kind}{bits}", BIG) for kind in ("RS", "PS") for bits in (256, 384, 512)),
    ],
)
def test_every_algorithm_of_the_standard_is_understood_with_its_own_kind_of_key(alg, key) -> None:
    token = oracle.encode(SAID, key, alg, headers={"kid": "k"})
    written = json.loads(jwk.written([Jwk("k", key.public_key())]))["keys"][0]
    assert validate(token, "db", {"test": (jwk.read(written),)}, NOW).id == WEB
    for wrong in (KEY, OTHER, BIG):
        if wrong is not key:
            with pytest.raises(Invalid, match="not signed"):
                validate(token, "db", {"test": (Jwk("k", wrong.public_key()),)}, NOW)


def test_a_lone_audience_is_as_good_as_a_list_of_one() -> None:
    assert validate(forged(said=SAID | {"aud": "db"}), "db", KEYS, NOW).id == WEB


HEADER = {"alg": "ES256", "kid": KID}


@pytest.mark.parametrize(
    "header",
    [
        HEADER | {"alg": "none"},
        HEADER | {"alg": "HS256"},
        HEADER | {"alg": ["ES256"]},
        HEADER | {"typ": "at+jwt"},
        HEADER | {"typ": 7},
        HEADER | {"crit": ["exp"]},
        HEADER | {"jwk": {}},
        HEADER | {"kid": "another"},
        HEADER | {"kid": None},
        {"alg": "ES256"},
        [],
    ],
)
def test_a_header_that_the_standard_does_not_allow_is_refused(header: object) -> None:
    assert validate(forged(HEADER), "db", KEYS, NOW)
    with pytest.raises(Invalid, match=WRONG):
        validate(forged(header), "db", KEYS, NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"sub": "spiffe://other/web"},
        {"sub": "spiffe://nowhere/web"},
        {"sub": "web"},
        {"sub": None},
        {"aud": ["cache"]},
        {"aud": []},
        {"aud": [["db"]]},
        {"aud": {"db": 1}},
        {"aud": None},
        {"exp": int(NOW)},
        {"exp": None},
        {"exp": "2100"},
        {"exp": True},
        {"exp": 10**400},
        {"nbf": int(NOW) + 3600},
        {"iat": int(NOW) + 3600},
    ],
)
def test_claims_that_do_not_hold_here_and_now_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(Invalid, match=WRONG):
        validate(forged(said=SAID | change), "db", KEYS, NOW)


def test_a_federated_domains_key_speaks_for_its_own_members_only() -> None:
    header = HEADER | {"kid": KEYS["other"][0].kid}
    said = SAID | {"sub": "spiffe://other/x"}
    assert validate(forged(header, said, OTHER), "db", KEYS, NOW).id.trust_domain == "other"
    with pytest.raises(Invalid, match="has no key"):
        validate(forged(header, SAID, OTHER), "db", KEYS, NOW)


def test_a_claim_that_stands_twice_is_refused() -> None:
    twice = b'{"sub":"spiffe://test/web","sub":"spiffe://test/root","aud":["db"],"exp":4000000000}'
    payload = urlsafe_b64encode(twice).rstrip(b"=").decode()
    with pytest.raises(Invalid, match="not JSON"):
        validate(jws.signed(jws.encode(HEADER), payload, KEY), "db", KEYS, NOW)


@pytest.mark.parametrize("audience", [[], [""], ["db", ""], ["x"] * 65, ["x" * 3000]])
def test_a_token_for_nobody_or_for_everybody_is_not_minted(audience: list[str]) -> None:
    with pytest.raises(Invalid, match="audience"):
        mint(KEY, WEB, audience, NOW, NOW + 60)


TOKEN = mint(KEY, WEB, ["db"], NOW, NOW + 60)


@given(st.integers(0, len(TOKEN) - 1), st.characters(codec="ascii"))
def test_no_token_with_another_character_in_it_says_anything_else(at: int, other: str) -> None:
    """Of the last character some bits count for nothing: whoever it names must be the same."""
    try:
        found = validate(TOKEN[:at] + other + TOKEN[at + 1 :], "db", KEYS, NOW)
    except Invalid:
        return
    assert (found.id, found.claims) == (WEB, SAID)


def test_the_key_of_tokens_follows_from_the_roots_and_is_another() -> None:
    first, second = Authority("test", Clock()).roots[0], Authority("test", Clock()).roots[0]
    keys = [signing_key(root).private_numbers().private_value for root in (first, first, second)]
    assert keys[0] == keys[1] != keys[2]
    assert keys[0] != first.key.private_numbers().private_value


def test_an_authority_gives_tokens_to_its_members_and_vouches_for_them_over_a_rotation() -> None:
    authority = Authority("test", Clock())
    token = authority.token(WEB, ["db"])
    authority.rotate()
    now = Clock().now()
    assert len(authority.token_keys) == 2
    assert validate(token, "db", {"test": authority.token_keys}, now).id == WEB
    with pytest.raises(Invalid, match="expired"):
        validate(token, "db", {"test": authority.token_keys}, now + 301)
    with pytest.raises(Invalid, match="no member"):
        authority.token(SpiffeId("other", "/web"), ["db"])


def test_a_tokens_end_never_comes_after_its_roots() -> None:
    authority = Authority("test", Clock(), leaf_lifetime=10, root_lifetime=40)
    claims = validate(
        authority.token(WEB, ["db"]), "db", {"test": authority.token_keys}, Clock().now()
    ).claims
    assert claims["exp"] <= min(Clock().now() + 10, authority.roots[0].not_after)
