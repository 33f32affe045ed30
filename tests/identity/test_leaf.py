"""What a leaf must be."""

import inspect

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from nsm.errors import Invalid
from nsm.identity.authority import Authority
from nsm.identity.leaf import read_leaf
from nsm.identity.spiffe import SpiffeId

WEB = "spiffe://test/ns/x/web"


def usage(granted: str) -> x509.KeyUsage:
    names = inspect.signature(x509.KeyUsage).parameters
    return x509.KeyUsage(**{name: name == granted for name in names})


def test_an_honest_leaf_says_whose_it_is_and_until_when(authority: Authority) -> None:
    svid = authority.issue(SpiffeId.parse(WEB))
    leaf = read_leaf(svid.leaf)
    assert (str(leaf.id), leaf.not_after, leaf.signs_tokens) == (WEB, svid.not_after, True)


@pytest.mark.parametrize(
    ("uris", "why"),
    [
        ((), "names nobody"),
        ((WEB, WEB), "2 URI SANs"),
        (("https://test/x",), "no SPIFFE id"),
        (("spiffe://test/x/",), "no path"),
    ],
)
def test_a_leaf_names_exactly_one_spiffe_id(authority, forge, uris, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        read_leaf(forge(authority.roots[0], uris))


@pytest.mark.parametrize(
    "extension",
    [
        x509.BasicConstraints(ca=True, path_length=None),
        usage("key_cert_sign"),
        usage("crl_sign"),
    ],
)
def test_a_leaf_is_no_authority(authority, forge, extension: x509.ExtensionType) -> None:
    with pytest.raises(Invalid):
        read_leaf(forge(authority.roots[0], (WEB,), extension))
    assert read_leaf(forge(authority.roots[0], (WEB,), usage("digital_signature")))


def test_an_rsa_leaf_is_read_but_signs_no_tokens(authority, forge) -> None:
    key = rsa.generate_private_key(65537, 2048)
    assert not read_leaf(forge(authority.roots[0], (WEB,), key=key)).signs_tokens
