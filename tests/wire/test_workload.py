import pytest

from nsm.errors import Invalid
from nsm.wire import decode, encode
from nsm.wire.workload import JwtSvid, ValidateJwtSvidRequest, ValidateJwtSvidResponse, X509Svid


def test_claims_are_plain_values_however_deep() -> None:
    claims = {"aud": ["a"], "exp": 1.5, "ok": True, "none": None, "deep": {"er": [{"x": "y"}]}}
    noun = ValidateJwtSvidResponse("spiffe://d/w", claims)
    assert decode(ValidateJwtSvidResponse, encode(noun)) == noun


def test_no_claims_and_empty_claims_are_not_the_same() -> None:
    for claims in (None, {}):
        noun = ValidateJwtSvidResponse("spiffe://d/w", claims)
        assert decode(ValidateJwtSvidResponse, encode(noun)).claims == claims


def test_claims_that_are_no_json_are_refused() -> None:
    with pytest.raises(Invalid):
        encode(ValidateJwtSvidResponse("", {"when": object()}))


def test_keys_and_tokens_are_not_shown() -> None:
    shown = f"{X509Svid(x509_svid_key=b'secret')} {JwtSvid(svid='secret')}"
    assert "secret" not in shown + repr(ValidateJwtSvidRequest(svid="secret"))
