"""Keep to the endpoint that comes after us."""

from dataclasses import replace

from nsm.api.connection import RESELECT_REQUESTED
from nsm.sdk import Call, Connection, Element, Handler, Request, Slot


class ReplaceEndpoint(Element):
    """Go on to the endpoint that was chosen after us; the caller knows only us."""

    def __init__(self) -> None:
        self.chosen = Slot[str]()

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        asked = request.connection
        chosen = "" if asked.state == RESELECT_REQUESTED else self.chosen.get(call) or ""
        conn = await next.request(call, request.carrying(replace(asked, endpoint=chosen)))
        self.chosen.put(call, conn.endpoint)
        return replace(conn, endpoint=asked.endpoint)

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        await next.close(call, replace(conn, endpoint=self.chosen.take(call) or ""))
