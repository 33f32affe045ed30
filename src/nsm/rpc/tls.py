"""TLS without a socket: bytes in, bytes out, and proof of who the peer is before anything else."""

import ssl
from collections.abc import Sequence
from contextlib import suppress
from operator import attrgetter
from typing import Protocol

from nsm.errors import Unauthenticated
from nsm.nouns import replace
from nsm.sdk.call import Peer

RECORD = 16384
"""The most plaintext one TLS record holds (RFC 8446 §5.1)."""
DER = 2
"""OpenSSL's word, in CPython, for the encoding that is wanted."""


class TlsSource(Protocol):
    """Whoever keeps our certificate and knows whom to believe (W §5.2).

    The contexts demand a certificate of the peer, offer ALPN `h2`, and speak TLS 1.2 or newer.
    """

    @property
    def epoch(self) -> int:
        """Changes whenever our certificate or the bundles do: older channels are not used anew."""
        ...

    @property
    def id(self) -> str:
        """Our own SPIFFE id."""
        ...

    @property
    def not_after(self) -> float:
        """When the certificate we show now ends, in seconds since the epoch."""
        ...

    def server_context(self) -> ssl.SSLContext:
        """The context to accept with now."""
        ...

    def client_context(self) -> ssl.SSLContext:
        """The context to dial with now."""
        ...

    def verify(self, chain: Sequence[bytes]) -> Peer:
        """Who this verified chain (DER, leaf first) speaks for; Unauthenticated or Denied."""
        ...


class Session(Protocol):
    """What stands between a socket's bytes and the protocol's."""

    peer: Peer | None
    """Who the peer is, once proved; None where nobody has to."""
    ended: bool
    """Whether the peer said that it will send no more."""
    until: float
    """When the first of the certificates shown ends, in seconds since the epoch."""

    def feed(self, data: bytes) -> None:
        """Bytes came from the socket."""
        ...

    def handshake(self) -> bool:
        """Go on with the handshake; whether it is over and the peer is known."""
        ...

    def read(self) -> bytes:
        """What the peer said, as far as it has come; empty when more must come first."""
        ...

    def write(self, data: bytes) -> None:
        """Say something to the peer."""
        ...

    def goodbye(self) -> None:
        """Say that nothing more will be said."""
        ...

    def take(self) -> bytes:
        """Bytes that must leave through the socket."""
        ...


class TlsSession:
    """Mutual TLS by OpenSSL, over memory."""

    def __init__(self, source: TlsSource, *, server: bool) -> None:
        self.peer: Peer | None = None
        self.ended = False
        self.until = source.not_after
        self._source = source
        self._epoch = source.epoch
        self._in = ssl.MemoryBIO()
        self._out = ssl.MemoryBIO()
        context = source.server_context() if server else source.client_context()
        self._tls = context.wrap_bio(self._in, self._out, server_side=server)

    def feed(self, data: bytes) -> None:
        self._in.write(data)

    def handshake(self) -> bool:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError as error:
            raise refused(error) from error
        if self._tls.selected_alpn_protocol() != "h2":
            raise Unauthenticated("the peer does not speak HTTP/2 over TLS (ALPN h2)")
        peer = self._source.verify(_verified_chain(self._tls))
        self.peer = replace(peer, shown=self._epoch)
        self.until = min(self.until, peer.not_after)
        return True

    def read(self) -> bytes:
        pieces = []
        try:
            while piece := self._tls.read(RECORD):
                pieces.append(piece)
            self.ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.ended = True
        except ssl.SSLError as error:
            raise refused(error) from error
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def write(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            try:
                left = left[self._tls.write(left) :]
            except ssl.SSLError as error:  # one that wants to read is a renegotiation: not here
                raise refused(error) from error

    def goodbye(self) -> None:
        with suppress(ssl.SSLError):  # the notice is written; the peer's own is not waited for
            self._tls.unwrap()

    def take(self) -> bytes:
        return self._out.read()


class ClearSession:
    """No TLS at all: for the SPIFFE Workload API, whose peers have no identity yet."""

    def __init__(self) -> None:
        self.peer: Peer | None = None
        self.ended = False
        self.until = float("inf")
        self._in: list[bytes] = []
        self._out: list[bytes] = []

    def feed(self, data: bytes) -> None:
        self._in.append(data)

    def handshake(self) -> bool:
        return True

    def read(self) -> bytes:
        data = b"".join(self._in)
        self._in.clear()
        return data

    def write(self, data: bytes) -> None:
        self._out.append(data)

    def goodbye(self) -> None:
        return None

    def take(self) -> bytes:
        data = b"".join(self._out)
        self._out.clear()
        return data


def refused(error: ssl.SSLError) -> Unauthenticated:
    """TLS came to nothing: what OpenSSL says of it, for people."""
    why = (error.reason or str(error) or "unknown").replace("_", " ").lower()
    return Unauthenticated(
        f"TLS failed: {why}",
        fix="check that both ends have certificates of authorities the other one trusts",
    )


def _verified_chain(tls: ssl.SSLObject) -> list[bytes]:
    """The chain OpenSSL built from the peer's leaf to an anchor; public only from Python 3.13."""
    if hasattr(tls, "get_verified_chain"):
        return list(tls.get_verified_chain())
    certificates = attrgetter("_sslobj.get_verified_chain")(tls)()
    return [each.public_bytes(DER) for each in certificates or ()]
