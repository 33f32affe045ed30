"""Serve what a program offers, to peers that prove who they are."""

import socket
from collections.abc import Sequence

from nsm.rpc.host import Guest, Host
from nsm.rpc.services import methods_for
from nsm.rpc.target import target_of
from nsm.rpc.tls import TlsSession, TlsSource
from nsm.sdk.channel import Offer, Tokens
from nsm.sdk.clock import Clock

MODE = 0o777
"""Anyone on the host may connect (W §12); who may ask is decided by certificate."""
GRACE = 5.0
"""Seconds that calls have to end when a server stops."""


class Server:
    """What `serve` began."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def __len__(self) -> int:
        """How many connections there are."""
        return len(self._host)

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where it listens, as URLs; a port that was 0 is the one it was given."""
        return self._host.addresses

    async def close(self, grace: float = GRACE) -> None:
        """Take no more calls, end streams with UNAVAILABLE, let other calls end, hang up."""
        await self._host.close(grace)


async def serve(
    offer: Offer,
    listen_on: Sequence[str],
    tls: TlsSource,
    tokens: Tokens,
    clock: Clock | None = None,
    hop: str = "",
) -> Server:
    """Serve `offer` at these URLs; `hop` is told to peers with failures (our id unless given).

    Raises Invalid for what is no URL to listen on, Unreachable where the system says no.
    """
    time = clock or Clock()
    methods = methods_for(offer, hop or tokens.id)

    def arrive(sock: socket.socket) -> Guest:
        return Guest(sock, TlsSession(tls, server=True), methods, time)

    host = Host(arrive, time)
    host.listen([target_of(url) for url in listen_on], MODE)
    return Server(host)
