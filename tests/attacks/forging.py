"""Certificates and tokens that no honest authority or program would make."""

import base64
import hashlib
import hmac
import json
import os
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.x509.oid import NameOID

from nsm.identity.certificates import Ca
from nsm.identity.svid import Svid

DER = serialization.Encoding.DER
PEM = serialization.Encoding.PEM


@dataclass(frozen=True)
class Card:
    """What somebody shows in a TLS handshake; no chain: nothing at all."""

    chain: tuple[bytes, ...] = ()
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1()), repr=False
    )

    @classmethod
    def of(cls, svid: Svid) -> "Card":
        """An honest one."""
        return cls(svid.chain, svid.key)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    @property
    def public_pem(self) -> bytes:
        return self.key.public_key().public_bytes(
            PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def context(self, *, server: bool = False, **settings: Any) -> ssl.SSLContext:
        """TLS that believes anybody and shows this card."""
        kind = ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT
        context = ssl.SSLContext(kind)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        for name, value in settings.items():
            setattr(context, name, value)
        if self.chain:
            _load(context, self)
        return context


def _load(context: ssl.SSLContext, card: Card) -> None:
    file = os.memfd_create("card")
    try:
        pems = [ssl.DER_cert_to_PEM_cert(der).encode() for der in card.chain]
        os.write(file, card.key_pem + b"".join(pems))
        context.load_cert_chain(f"/proc/self/fd/{file}")
    finally:
        os.close(file)


def card(
    ca: Ca | None,
    uris: Sequence[str],
    *extensions: x509.ExtensionType,
    since: float = -60,
    until: float = 3600,
) -> Card:
    """A certificate that `ca` signs (None: it signs itself); times are seconds from now."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "US")])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(ca.certificate.subject if ca else name)
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
    signed = builder.sign(ca.key if ca else key, hashes.SHA256())
    return Card((signed.public_bytes(DER),), key)


def token(
    by: Card,
    sub: str,
    aud: object,
    exp: float | None = None,
    *,
    alg: str = "ES256",
    secret: bytes = b"",
) -> str:
    """A token that says so; `secret` is HS256's."""
    header = _b64(_json({"alg": alg, "typ": "JWT"}))
    claims = {"sub": sub, "aud": aud, "exp": int(exp or time.time() + 300)}
    said = f"{header}.{_b64(_json(claims))}"
    return f"{said}.{_b64(_signature(said.encode(), by, alg, secret))}"


def _signature(said: bytes, by: Card, alg: str, secret: bytes) -> bytes:
    if alg == "HS256":
        return hmac.digest(secret, said, hashlib.sha256)
    if alg.lower() == "none":
        return b""
    r, s = utils.decode_dss_signature(by.key.sign(said, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def moment(seconds: float) -> str:
    """A time as the header of a token says it."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _json(value: Mapping[str, object]) -> bytes:
    return json.dumps(value).encode()


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
