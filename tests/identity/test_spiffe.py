"""SPIFFE ids."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsm.errors import Invalid
from nsm.identity.spiffe import SpiffeId

SEGMENT = st.from_regex(r"[A-Za-z0-9._-]{1,20}", fullmatch=True).filter(
    lambda text: text not in (".", "..")
)
DOMAIN = st.from_regex(r"[a-z0-9._-]{1,40}", fullmatch=True)


@given(DOMAIN, st.lists(SEGMENT, max_size=5))
def test_what_is_written_by_the_rules_is_read_and_written_back(
    domain: str, path: list[str]
) -> None:
    text = f"spiffe://{domain}" + "".join(f"/{segment}" for segment in path)
    assert str(SpiffeId.parse(text)) == text
    assert SpiffeId.parse(text).trust_domain == domain


@given(st.text())
def test_no_text_does_worse_than_be_refused(text: str) -> None:
    with contextlib.suppress(Invalid):
        assert str(SpiffeId.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "spiffe://",
        "spiffe:///ns/x",
        "SPIFFE://test/x",
        "https://test/x",
        "spiffe://Test/x",
        "spiffe://test:8080/x",
        "spiffe://user@test/x",
        "spiffe://test/",
        "spiffe://test/x/",
        "spiffe://test//x",
        "spiffe://test/./x",
        "spiffe://test/../x",
        "spiffe://test/x?y=z",
        "spiffe://test/x#y",
        "spiffe://test/x%20y",
        "spiffe://test/ü",
        "spiffe://test/x\n",
        "spiffe://" + "a" * 256,
        "spiffe://test/" + "a" * 2048,
    ],
)
def test_what_the_standard_forbids_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        SpiffeId.parse(text)
