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
    def shown(self) -> tuple[bytes, ...]:
        """What goes along with whatever it signed: itself, unless peers have it as an anchor."""
        is_root = self.certificate.issuer == self.certificate.subject
        return () if is_root else (self.der,)

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


def make_intermediate(root: Ca, trust_domain: str, now: float, lifetime: float) -> Ca:
    """A new intermediate under `root`, which signs nothing but leaves and never outlives it."""
    key = ec.generate_private_key(ec.SECP256R1())
    serial = x509.random_serial_number()
    builder = _issued(_begin(SpiffeId(trust_domain), key, serial, _name("NSM", serial)), root)
    usage = _usage(key_cert_sign=True, crl_sign=True)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(usage, critical=True)
    return Ca(_sign(builder, now, min(now + lifetime, root.not_after), root.key), key)


def make_svid(ca: Ca, id: SpiffeId, now: float, lifetime: float, hint: str = "") -> Svid:
    """A new key and leaf for `id`, good for `lifetime` seconds but never beyond its authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        _issued(_begin(id, key, x509.random_serial_number(), _name("NSM")), ca)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True, key_agreement=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage(_PURPOSES), critical=False)
    )
    until = min(now + lifetime, ca.not_after)
    leaf = _sign(builder, now, until, ca.key)
    der = leaf.public_bytes(serialization.Encoding.DER)
    return Svid(id, (der, *ca.shown), key, leaf.not_valid_after_utc.timestamp(), hint)


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


def _issued(builder: x509.CertificateBuilder, ca: Ca) -> x509.CertificateBuilder:
    signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.key.public_key())
    return builder.issuer_name(ca.certificate.subject).add_extension(signer, critical=False)


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
