"""Keep the endpoint we are apart from the endpoint we lead to."""

import logging
from dataclasses import replace

from nsm.errors import NotFound, Unreachable
from nsm.sdk import Call, Connection, Element, Handler, Request, Slot

log = logging.getLogger(__name__)


class RememberNextEndpoint(Element):
    """Ask onward for the endpoint that answered before, or for any; to the client it is us.

    Where that one cannot be had and the client asks for no address, it is to be moved: to any.
    """

    def __init__(self) -> None:
        self.onward = Slot[str]()

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        asked, named = request.connection, self.onward.get(call) or ""
        try:
            conn = await self._ask(call, request, next, named)
        except (NotFound, Unreachable) as error:
            if not named or asked.ip.src_ip_addrs or asked.ip.dst_ip_addrs:
                raise
            log.info("%s is led elsewhere than to %s: %s", asked.id, named, error)
            conn = await self._ask(call, request, next, "")
        self.onward.put(call, conn.endpoint)
        return replace(conn, endpoint=asked.endpoint)

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        await next.close(call, replace(conn, endpoint=self.onward.take(call) or ""))

    async def _ask(self, call: Call, request: Request, next: Handler, whom: str) -> Connection:
        return await next.request(
            call, request.carrying(replace(request.connection, endpoint=whom))
        )
