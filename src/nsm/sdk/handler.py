"""The two things a chain is made of: what can be asked, and what can stand in front of it."""

from typing import Protocol, TypeVar

from nsm.api.connection import Connection, Request
from nsm.sdk.call import Call

H = TypeVar("H")


class Handler(Protocol):
    """Anything that can be asked for a connection."""

    async def request(self, call: Call, request: Request) -> Connection:
        """Make or refresh the connection."""
        ...

    async def close(self, call: Call, conn: Connection) -> None:
        """Undo it."""
        ...


class Link(Protocol[H]):
    """Anything that can stand in front of a handler (or of a registry)."""

    def bind(self, next: H) -> H:
        """Return a handler that passes on to `next`."""
        ...


class End:
    """Where a chain ends: the answer is what was asked for."""

    async def request(self, call: Call, request: Request) -> Connection:
        return request.connection

    async def close(self, call: Call, conn: Connection) -> None:
        return None


END = End()
