"""The size of the largest packet a vWire passes whole, agreed hop by hop."""

from nsm.api.connection import Connection
from nsm.api.context import ConnectionContext
from nsm.nouns import replace


def clamped(conn: Connection, limit: int) -> Connection:
    """The same connection, its MTU at most `limit` bytes; 0, which is none, becomes `limit`."""
    context = conn.context or ConnectionContext()
    if 0 < context.mtu <= limit:
        return conn
    return replace(conn, context=replace(context, mtu=limit))
