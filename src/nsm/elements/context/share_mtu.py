"""Have one MTU for everybody an endpoint serves."""

from nsm.api.mtu import clamped
from nsm.sdk import Call, Connection, Element, Handler, Request
from nsm.sdk.events import Events

JUMBO = 9000
"""What is passed while nobody has come who passes less."""


class ShareMtu(Element):
    """Give each client the smallest MTU of them all; when it falls, have the others ask again.

    For an endpoint that passes packets from one client to another: `events` are its own.
    """

    def __init__(self, events: Events, start: int = JUMBO) -> None:
        self.events = events
        self.smallest = start

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        fitting = request.carrying(clamped(request.connection, self.smallest))
        conn = clamped(await next.request(call, fitting), self.smallest)
        agreed = _mtu(conn)
        if agreed < self.smallest:
            self.smallest = agreed
            for other in tuple(self.events):
                if other.id != conn.id:
                    self.events.ask_again(clamped(other, agreed))
        return conn


def _mtu(conn: Connection) -> int:
    return conn.context.mtu if conn.context else 0
