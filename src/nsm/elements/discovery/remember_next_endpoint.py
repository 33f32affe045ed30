"""Keep the endpoint we are apart from the endpoint we lead to."""

import logging

from nsm.api.connection import RESELECT_REQUESTED
from nsm.api.paths import granted_until
from nsm.errors import NotFound, Unreachable
from nsm.nouns import replace
from nsm.sdk import Call, Connection, Element, Handler, Request, Slot
from nsm.store import Notes

log = logging.getLogger(__name__)


class RememberNextEndpoint(Element):
    """Ask onward for the endpoint that answered before, or for any; to the client it is us.

    Where that one cannot be had and the client asks for no address, it is to be moved: to any.
    `notes` say whom an earlier life of ours led to: the client's path may say so, too, but whom we
    lead to is not for clients to say.
    """

    def __init__(self, notes: Notes | None = None) -> None:
        self.notes = notes
        self.onward = Slot[str]()

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        asked, named = request.connection, self._named(call, request.connection)
        try:
            conn = await self._ask(call, request, next, named)
        except (NotFound, Unreachable) as error:
            if not named or asked.ip.src_ip_addrs or asked.ip.dst_ip_addrs:
                raise
            log.info("%s is led elsewhere than to %s: %s", asked.id, named, error)
            conn = await self._ask(call, request, next, "")
        self.onward.put(call, conn.endpoint)
        if self.notes:
            self.notes.put(asked.id, (conn.endpoint,), granted_until(conn.hops))
        return replace(conn, endpoint=asked.endpoint)

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        if self.notes:
            self.notes.drop(conn.id)
        await next.close(call, replace(conn, endpoint=self.onward.take(call) or ""))

    def _named(self, call: Call, asked: Connection) -> str:
        """Whom it was led to, in this life or an earlier one, unless it is to be another."""
        if (known := self.onward.get(call)) or not self.notes:
            return known or ""
        noted = () if asked.state == RESELECT_REQUESTED else self.notes.get(asked.id)
        return noted[0] if noted else ""

    async def _ask(self, call: Call, request: Request, next: Handler, whom: str) -> Connection:
        return await next.request(
            call, request.carrying(replace(request.connection, endpoint=whom))
        )
