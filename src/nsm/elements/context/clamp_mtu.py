"""Agree on an MTU that fits every hop."""

from nsm.api.mtu import clamped
from nsm.sdk import Call, Connection, Element, Handler, Request


class ClampMtu(Element):
    """Lower the MTU that is asked for, and the one that is answered, to what this hop can pass."""

    def __init__(self, limit: int) -> None:
        self.limit = limit

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        fitting = request.carrying(clamped(request.connection, self.limit))
        return clamped(await next.request(call, fitting), self.limit)
