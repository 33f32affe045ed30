"""Certificates made here: an authority's own, and those of workloads, as SPIRE makes them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from nsm.identity.spiffe import SpiffeId
from nsm.identity.svid import Svid

BACKDATE = timedelta(seconds=10)
"""How far in the past a certificate begins, for peers whose clocks are behind."""

_PURPOSES = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]


@dataclass(frozen=True, slots=True)
class Ca:
    """One certificate authority: what it is known by, and what it signs with."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)

    @property
    def der(self) -> bytes:
        """The anchor others believe."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def made(self) -> float:
        """When it was made, in seconds since the epoch."""
        return (self.certificate.not_valid_before_utc + BACKDATE).timestamp()

    @property
    def not_after(self) -> float:
        """When it ends."""
        return self.certificate.not_valid_after_utc.timestamp()


def make_ca(trust_domain: str, now: float, lifetime: float) -> Ca:
    """A new root of `trust_domain`, good for `lifetime` seconds."""
    key = ec.generate_private_key(ec.SECP256R1())
    serial = x509.random_serial_number()
    name = _name("NSM", serial)  # a subject of its own, so that chains are built without guessing
    usage = _usage(key_cert_sign=True, crl_sign=True)
    builder = (
        _begin(SpiffeId(trust_domain), key, serial, name)
        .issuer_name(name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
    )
    return Ca(_sign(builder, now, now + lifetime, key), key)


def make_svid(ca: Ca, id: SpiffeId, now: float, lifetime: float, hint: str = "") -> Svid:
    """A new key and leaf for `id`, good for `lifetime` seconds but never beyond its authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        _begin(id, key, x509.random_serial_number(), _name("NSM"))
        .issuer_name(ca.certificate.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True, key_agreement=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage(_PURPOSES), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.key.public_key()), critical=False
        )
    )
    until = min(now + lifetime, ca.not_after)
    leaf = _sign(builder, now, until, ca.key)
    der = leaf.public_bytes(serialization.Encoding.DER)
    return Svid(id, (der,), key, leaf.not_valid_after_utc.timestamp(), hint)


def _begin(
    id: SpiffeId, key: ec.EllipticCurvePrivateKey, serial: int, name: x509.Name
) -> x509.CertificateBuilder:
    san = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(str(id))])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .public_key(key.public_key())
        .serial_number(serial)
        .add_extension(san, critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _sign(
    builder: x509.CertificateBuilder, since: float, until: float, key: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    begins = datetime.fromtimestamp(int(since), UTC) - BACKDATE
    ends = datetime.fromtimestamp(int(until), UTC)
    return builder.not_valid_before(begins).not_valid_after(ends).sign(key, hashes.SHA256())


def _name(organization: str, serial: int | None = None) -> x509.Name:
    parts = [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "US"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
    ]
    if serial is not None:
        parts.append(x509.NameAttribute(NameOID.SERIAL_NUMBER, f"{serial:x}"))
    return x509.Name(parts)


def _usage(**granted: bool) -> x509.KeyUsage:
    every = {
        "digital_signature": False,
        "content_commitment": False,
        "key_encipherment": False,
        "data_encipherment": False,
        "key_agreement": False,
        "key_cert_sign": False,
        "crl_sign": False,
        "encipher_only": False,
        "decipher_only": False,
    }
    return x509.KeyUsage(**{**every, **granted})
