"""The way to another program, whether it is across a socket or in this process."""

from dataclasses import dataclass
from typing import Protocol

from nsm.api.registration import Endpoint, NetworkService
from nsm.sdk.call import Peer, Token
from nsm.sdk.files import Files
from nsm.sdk.handler import Handler
from nsm.sdk.monitor import Monitor
from nsm.sdk.registry import Registry


@dataclass(frozen=True, kw_only=True)
class Offer:
    """What a program serves; what is None is answered UNIMPLEMENTED."""

    connections: Handler | None = None
    monitor: Monitor | None = None
    network_services: Registry[NetworkService] | None = None
    endpoints: Registry[Endpoint] | None = None


class Channel(Protocol):
    """A live way to a peer that has proved who it is; what it offers is asked like one's own.

    A call made on it carries a fresh token for the peer, `call.deadline` as its time-out, and
    `call.tokens` as the `path` header of registrations. Failures are `nsm.errors`.
    """

    @property
    def peer(self) -> Peer:
        """Who answered."""
        ...

    @property
    def files(self) -> Files | None:
        """Files to and from the peer; None where none can travel (TCP)."""
        ...

    @property
    def connections(self) -> Handler:
        """The peer's connections."""
        ...

    @property
    def monitor(self) -> Monitor:
        """The peer's connections, watched."""
        ...

    @property
    def network_services(self) -> Registry[NetworkService]:
        """The peer's registry of network services."""
        ...

    @property
    def endpoints(self) -> Registry[Endpoint]:
        """The peer's registry of endpoints."""
        ...


class Dialer(Protocol):
    """Whoever finds the way to a URL."""

    async def dial(self, url: str, timeout: float | None = None) -> Channel:
        """A channel, new or pooled, to a verified peer; Unreachable after `timeout` seconds."""
        ...


class Tokens(Protocol):
    """Whoever signs for this program."""

    @property
    def id(self) -> str:
        """Our own SPIFFE id."""
        ...

    def issue(self, audience: Peer | None) -> Token:
        """A token for that peer, good for no longer than our leaf (and reported, than theirs)."""
        ...
