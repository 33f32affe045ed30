"""Where an authority keeps its roots between two lives: one file that only its owner may read."""

import logging
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from nsm.errors import Invalid
from nsm.identity.certificates import Ca

log = logging.getLogger(__name__)

_BLOCK = re.compile(rb"-----BEGIN ([A-Z ]+)-----.+?-----END \1-----\n?", re.DOTALL)
MAX_STORE = 1024 * 1024


class Store:
    """A directory holding `authority.pem`: keys and certificates in turn, oldest root first.

    Its methods block on the disk: call them from a thread. A disk that refuses is Invalid.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.file = directory / "authority.pem"

    def load(self, trust_domain: str) -> tuple[Ca, ...]:
        """The roots kept here. What is damaged is put aside, loudly, and counts as nothing."""
        with _refusing(self.file):
            return self._load(trust_domain)

    def save(self, roots: Sequence[Ca]) -> None:
        """Keep `roots`, all of them or, on failure, what was kept before."""
        with _refusing(self.file):
            self._save(roots)

    def _load(self, trust_domain: str) -> tuple[Ca, ...]:
        if not self.file.exists():
            return ()
        if self.file.stat().st_mode & 0o077:
            raise Invalid(
                f"{self.file} may be read by others, so its keys are no secret any more",
                fix="remove it, or chmod 600 it if you know that nobody did",
            )
        try:
            roots = _parse(self.file.read_bytes()[:MAX_STORE])
        except ValueError as error:
            self._put_aside(str(error))
            return ()
        _check_domain(self.file, roots, trust_domain)
        return roots

    def _save(self, roots: Sequence[Ca]) -> None:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self.file.with_suffix(".new")
        new.unlink(missing_ok=True)
        out = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(out, "wb") as file:
            file.write(b"".join(map(_pem, roots)))
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.file)

    def _put_aside(self, why: str) -> None:
        damaged = self.file.with_suffix(".damaged")
        self.file.replace(damaged)
        log.error(
            "%s is damaged (%s); kept as %s. Starting with a new authority: "
            "workloads get new identities by themselves, peers elsewhere need the new bundle",
            self.file,
            why,
            damaged,
        )


@contextmanager
def _refusing(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Invalid(
            f"{file}: {error.strerror}", fix="give the authority a directory of its own to write in"
        ) from error


def _pem(root: Ca) -> bytes:
    key = root.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return key + root.certificate.public_bytes(serialization.Encoding.PEM)


def _parse(data: bytes) -> tuple[Ca, ...]:
    blocks = [found.group(0) for found in _BLOCK.finditer(data)]
    if not blocks or len(blocks) % 2 or b"".join(blocks) != data:
        raise ValueError("not pairs of a key and a certificate")
    return tuple(_pair(*pair) for pair in zip(blocks[::2], blocks[1::2], strict=True))


def _pair(key_pem: bytes, certificate_pem: bytes) -> Ca:
    try:
        key = serialization.load_pem_private_key(key_pem, password=None)
    except (ValueError, TypeError):
        raise ValueError("a key does not parse") from None  # the cause might quote the key
    certificate = x509.load_pem_x509_certificate(certificate_pem)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("a key is not an elliptic curve's")
    if key.public_key() != certificate.public_key():
        raise ValueError("a key and its certificate do not belong together")
    return Ca(certificate, key)


def _check_domain(file: Path, roots: Sequence[Ca], trust_domain: str) -> None:
    for root in roots:
        names = root.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        held = names.value.get_values_for_type(x509.UniformResourceIdentifier)
        if held != [f"spiffe://{trust_domain}"]:
            raise Invalid(
                f"{file} holds the authority of {', '.join(held)}, not of {trust_domain}",
                fix="set NSM_TRUST_DOMAIN to it, or give this authority a store of its own",
            )
