"""Certificates laid end to end in DER, as the Workload API sends chains and bundles."""

from collections.abc import Iterator

from cryptography import x509

from nsm.errors import Invalid

MAX_CERTIFICATES = 64
MAX_CERTIFICATE = 64 * 1024
"""Bytes in one certificate."""


def split(data: bytes) -> tuple[bytes, ...]:
    """The single certificates, in order; Invalid unless all of `data` is certificates."""
    return tuple(_each(data))


def _each(data: bytes) -> Iterator[bytes]:
    at = count = 0
    while at < len(data):
        end = at + _length(data, at)
        count += 1
        if end > len(data) or count > MAX_CERTIFICATES:
            raise Invalid("certificates are cut short, or too many")
        load(data[at:end])
        yield data[at:end]
        at = end


def _length(data: bytes, at: int) -> int:
    """Bytes of the ASN.1 SEQUENCE that begins at `at`, header included."""
    head = data[at : at + 5]
    if len(head) < 5 or head[0] != 0x30:
        raise Invalid("not a certificate in DER")
    octets = head[1] & 0x7F if head[1] & 0x80 else 0
    if octets > 3:
        raise Invalid("a certificate is longer than any can be")
    body = int.from_bytes(head[2 : 2 + octets], "big") if octets else head[1]
    if body > MAX_CERTIFICATE:
        raise Invalid(f"a certificate has more than {MAX_CERTIFICATE} bytes")
    return 2 + octets + body


def load(der: bytes) -> x509.Certificate:
    """One certificate, parsed: which costs less than to remember it, 4 KB with its extensions."""
    try:
        return x509.load_der_x509_certificate(der)
    except ValueError as error:
        raise Invalid(f"not a certificate: {error}") from error
