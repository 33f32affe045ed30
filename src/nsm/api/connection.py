"""The noun everything revolves around, and the path it took."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from nsm.api.context import ConnectionContext, IpContext
from nsm.api.mechanism import Mechanism
from nsm.api.timestamp import Timestamp
from nsm.nouns import replace

#: A connection's states. The wire's enum is open: any other integer is kept and sent on.
UP = 0
DOWN = 1
REFRESH_REQUESTED = 2
RESELECT_REQUESTED = 3

IP = "IP"
ETHERNET = "ETHERNET"


@dataclass(frozen=True, slots=True)
class Segment:
    """One hop: who, under which id, what it signed, and until when that is good."""

    name: str = ""
    id: str = ""
    token: str = field(default="", repr=False)
    expires: Timestamp | None = None
    metrics: Mapping[str, str] = field(default_factory=dict)
    rest: bytes = b""


@dataclass(frozen=True, slots=True)
class Path:
    """The hops in order; `index` is the one that is speaking."""

    index: int = 0
    segments: tuple[Segment, ...] = ()
    rest: bytes = b""

    def with_segment(self, at: int, segment: Segment) -> Self:
        """The same path with one segment put in place of another, or appended at the end."""
        before, after = self.segments[:at], self.segments[at + 1 :]
        return type(self)(self.index, (*before, segment, *after), self.rest)


@dataclass(frozen=True, slots=True)
class Connection:
    """A promise that a client reaches a network service."""

    id: str = ""
    network_service: str = ""
    mechanism: Mechanism | None = None
    context: ConnectionContext | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    path: Path | None = None
    endpoint: str = ""
    payload: str = ""
    state: int = UP
    rest: bytes = b""

    @property
    def hops(self) -> Path:
        """The path, empty where there is none yet."""
        return self.path or Path()

    @property
    def ip(self) -> IpContext:
        """The IP context, empty where there is none yet."""
        return (self.context and self.context.ip_context) or IpContext()

    def with_ip(self, ip: IpContext) -> Self:
        """The same connection carrying `ip`."""
        context = self.context or ConnectionContext()
        return replace(self, context=replace(context, ip_context=ip))


@dataclass(frozen=True, slots=True)
class Request:
    """Ask for `connection` to be made, or refreshed; preferences are offers, best first."""

    connection: Connection = field(default_factory=Connection)
    preferences: tuple[Mechanism, ...] = ()
    rest: bytes = b""

    def carrying(self, connection: Connection) -> Self:
        """The same request for `connection`."""
        return type(self)(connection, self.preferences, self.rest)
