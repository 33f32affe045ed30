"""Agree on an MTU that fits every hop."""

from dataclasses import replace

from nsm.api.context import ConnectionContext
from nsm.sdk import Call, Connection, Element, Handler, Request


class ClampMtu(Element):
    """Lower the MTU that is asked for, and the one that is answered, to what this hop can pass."""

    def __init__(self, limit: int) -> None:
        self.limit = limit

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        return clamped(
            await next.request(call, request.carrying(clamped(request.connection, self.limit))),
            self.limit,
        )


def clamped(conn: Connection, limit: int) -> Connection:
    """The same connection, its MTU at most `limit` bytes; 0, which is none, becomes `limit`."""
    context = conn.context or ConnectionContext()
    if 0 < context.mtu <= limit:
        return conn
    return replace(conn, context=replace(context, mtu=limit))
