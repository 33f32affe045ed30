"""An authority, and certificates that no honest one would make."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from nsm.identity.authority import Authority
from nsm.identity.certificates import Ca
from nsm.sdk import Clock

WEB = "spiffe://test/ns/x/web"
Forge = Callable[..., bytes]


@pytest.fixture
def authority() -> Authority:
    return Authority("test", Clock())


@pytest.fixture
def forge() -> Forge:
    return forged


def forged(
    ca: Ca,
    uris: tuple[str, ...] = (WEB,),
    *extensions: x509.ExtensionType,
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | None = None,
    since: float = -60,
    until: float = 3600,
) -> bytes:
    """A certificate signed by `ca`, in DER; times are seconds from now."""
    now = datetime.now(UTC)
    key = key or ec.generate_private_key(ec.SECP256R1())
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "US")]))
        .issuer_name(ca.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(seconds=since))
        .not_valid_after(now + timedelta(seconds=until))
    )
    if uris:
        names = [x509.UniformResourceIdentifier(uri) for uri in uris]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=True)
    return builder.sign(ca.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
