"""TLS as SPIFFE wants it: both sides show a certificate, and host names mean nothing.

A context only sees to it that the chain ends in an anchor of *some* domain we know; that it is the
peer's own domain is `Source.verify`'s to say, after the handshake and before the first byte.
"""

import os
import ssl

from cryptography.hazmat.primitives import serialization

from nsm.identity.bundle import Bundles
from nsm.identity.svid import Svid


def server_context(svid: Svid, bundles: Bundles) -> ssl.SSLContext:
    """For those who are called: a client without a certificate is refused."""
    context = _context(ssl.PROTOCOL_TLS_SERVER, svid, bundles)
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0  # a resumed session would show no chain to verify
    return context


def client_context(svid: Svid, bundles: Bundles) -> ssl.SSLContext:
    """For those who call; wrap with `server_hostname=None`: SPIFFE names no hosts."""
    return _context(ssl.PROTOCOL_TLS_CLIENT, svid, bundles)


def _context(protocol: int, svid: Svid, bundles: Bundles) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # an intermediate may be an anchor
    context.set_alpn_protocols(["h2"])
    context.load_verify_locations(cadata=bundles.pool)
    _load_own(context, svid)
    return context


def _load_own(context: ssl.SSLContext, svid: Svid) -> None:
    """`ssl` reads keys from files only: give it one that no other process can name."""
    file = os.memfd_create("svid", os.MFD_CLOEXEC)
    try:
        os.fchmod(file, 0o600)
        with open(file, "wb", closefd=False) as out:
            out.write(_key_pem(svid))
            out.writelines(ssl.DER_cert_to_PEM_cert(der).encode() for der in svid.chain)
        context.load_cert_chain(f"/proc/self/fd/{file}")
    finally:
        os.close(file)


def _key_pem(svid: Svid) -> bytes:
    return svid.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
