"""Our own identity."""

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from nsm.errors import Invalid
from nsm.identity.authority import Authority
from nsm.identity.spiffe import SpiffeId
from nsm.identity.svid import Svid

WEB = "spiffe://test/ns/x/web"


def pkcs8(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, plain)


@pytest.fixture
def svid(authority: Authority) -> Svid:
    return authority.issue(SpiffeId.parse(WEB), "internal")


def test_an_svid_is_read_as_it_was_sent(svid: Svid) -> None:
    again = Svid.parse(b"".join(svid.chain), svid.key_der(), id=WEB, hint="internal")
    assert (again.id, again.chain, again.not_after, again.hint) == (
        svid.id,
        svid.chain,
        svid.not_after,
        "internal",
    )
    assert again.key_der() == svid.key_der()


@pytest.mark.parametrize(
    "key", [rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP384R1())]
)
def test_a_key_that_cannot_sign_tokens_is_refused_with_the_reason(authority, forge, key) -> None:
    with pytest.raises(Invalid, match="ES256") as refused:
        Svid.parse(forge(authority.roots[0], key=key), pkcs8(key))
    assert "ec-p256" in refused.value.fix


def test_a_key_of_someone_else_is_refused(svid: Svid, authority: Authority) -> None:
    other = authority.issue(svid.id)
    with pytest.raises(Invalid, match="does not belong"):
        Svid.parse(svid.leaf, other.key_der())
    with pytest.raises(Invalid, match="PKCS"):
        Svid.parse(svid.leaf, b"garbage")


def test_an_id_other_than_the_certificates_is_refused(svid: Svid) -> None:
    with pytest.raises(Invalid, match="says"):
        Svid.parse(svid.leaf, svid.key_der(), id="spiffe://test/ns/x/db")


def test_no_certificate_is_refused(svid: Svid) -> None:
    with pytest.raises(Invalid, match="no certificate"):
        Svid.parse(b"", svid.key_der())


def test_the_key_shows_in_no_text(svid: Svid) -> None:
    assert "key" not in repr(svid).replace("spiffe", "")
