"""Identities for the tests, over real sockets: a small authority of their own."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from nsm.api.timestamp import Timestamp
from nsm.errors import Denied, Unauthenticated
from nsm.rpc import Pool
from nsm.sdk.call import Peer, Token

DAY = timedelta(days=1)


class Authority:
    """Signs certificates for SPIFFE ids, and for others that have none."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = self._signed(self.key, self.subject, None, ca=True)
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def identity(self, uri: str | None, trusts: "Authority | None" = None) -> "Identity":
        """A source whose leaf names `uri` (None: no URI at all) and that trusts `trusts`."""
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = self._signed(key, x509.Name([]), uri, ca=False)
        file = self.folder / f"{leaf.serial_number}.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + leaf.public_bytes(serialization.Encoding.PEM)
        )
        return Identity(uri or "", file, (trusts or self).file)

    def _signed(
        self, key: ec.EllipticCurvePrivateKey, subject: x509.Name, uri: str | None, ca: bool
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - DAY)
            .not_valid_after(now + DAY)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if uri:
            name = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri)])
            builder = builder.add_extension(name, critical=False)
        return builder.sign(self.key, hashes.SHA256())


@dataclass
class Identity:
    """A certificate, as a source of TLS contexts and of tokens; everything asked is counted."""

    id: str
    file: Path
    bundle: Path
    epoch: int = 1
    not_after: float = float("inf")
    verified: list[str] = field(default_factory=list)
    shows_certificate: bool = True
    made: dict[tuple[object, ...], ssl.SSLContext] = field(default_factory=dict)

    def server_context(self) -> ssl.SSLContext:
        return self._made(ssl.PROTOCOL_TLS_SERVER)

    def client_context(self) -> ssl.SSLContext:
        return self._made(ssl.PROTOCOL_TLS_CLIENT)

    def _made(self, kind: int) -> ssl.SSLContext:
        key = (kind, self.epoch, self.shows_certificate)
        if key not in self.made:
            self.made[key] = self._context(kind)
        return self.made[key]

    def verify(self, chain: Sequence[bytes]) -> Peer:
        leaf = x509.load_der_x509_certificate(chain[0])
        try:
            names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except x509.ExtensionNotFound:
            raise Unauthenticated("no SPIFFE id") from None
        (uri,) = names.get_values_for_type(x509.UniformResourceIdentifier)
        if uri.endswith("/banned"):
            raise Denied(f"{uri} is not welcome")
        self.verified.append(uri)
        return Peer(uri, chain[0], leaf.not_valid_after_utc.timestamp())

    def issue(self, audience: Peer | None) -> Token:
        return Token(
            f"{self.id} for {audience.id if audience else '-'}", Timestamp(4_000_000_000, 7)
        )

    def _context(self, kind: int) -> ssl.SSLContext:
        context = ssl.SSLContext(kind)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(self.bundle)
        context.set_alpn_protocols(["h2"])
        if self.shows_certificate:
            context.load_cert_chain(self.file)
        return context


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def stranger(tmp_path: Path) -> Authority:
    """An authority nobody here trusts."""
    return Authority(tmp_path, "stranger")


@pytest.fixture
def server_identity(authority: Authority) -> Identity:
    return authority.identity("spiffe://example.org/server")


@pytest.fixture
def client_identity(authority: Authority) -> Identity:
    return authority.identity("spiffe://example.org/client")


@pytest.fixture
async def pool(client_identity: Identity) -> AsyncIterator[Pool]:
    made = Pool(client_identity, client_identity)
    yield made
    await made.close()


async def _until(true: Callable[[], object], seconds: float = 5.0) -> None:
    for _ in range(round(seconds * 1000)):
        if true():
            return
        await asyncio.sleep(0.001)
    raise TimeoutError("it did not come to pass")


@pytest.fixture
def until() -> Callable[..., object]:
    """Wait for the kernel to carry something across; bounded."""
    return _until
