"""Who may watch which connections: whoever is on their path, and whoever watches over all."""

from collections.abc import Iterable
from typing import Protocol

from nsm.api.connection import Connection
from nsm.identity.evidence import subject
from nsm.sdk.call import Peer


class Pattern(Protocol):
    """Something ids are like, or not."""

    def matches(self, name: str) -> bool:
        """Whether the id is."""
        ...


class Onlookers:
    """Says whether a peer may hear of a connection; whoever asks from within hears of all."""

    def __init__(self, admins: Iterable[Pattern] = ()) -> None:
        self.admins = tuple(admins)

    def __call__(self, peer: Peer | None, conn: Connection) -> bool:
        if peer is None or any(admin.matches(peer.id) for admin in self.admins):
            return True
        path = (subject(segment.token) for segment in conn.hops.segments if segment.token)
        return bool(peer.id) and peer.id in path
