"""Watching connections: what happened, and whose events are wanted."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from nsm.api.connection import Connection, Segment

#: Kinds of event. The wire's enum is open: any other integer is kept.
INITIAL_STATE_TRANSFER = 0
UPDATE = 1
DELETE = 2


@dataclass(frozen=True, slots=True)
class ConnectionEvent:
    """Connections, by their id at the hop that speaks, and what became of them."""

    type: int = INITIAL_STATE_TRANSFER
    connections: Mapping[str, Connection] = field(default_factory=dict)
    rest: bytes = b""


@dataclass(frozen=True, slots=True)
class Selector:
    """Which connections to hear of; empty means all."""

    path_segments: tuple[Segment, ...] = ()
    network_services: tuple[str, ...] = ()
    rest: bytes = b""
