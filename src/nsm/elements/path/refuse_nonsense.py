"""Believe nothing a peer says before it was looked at."""

from nsm.api.validate import check_connection, check_request
from nsm.sdk import Call, Connection, Element, Handler, Request


class RefuseNonsense(Element):
    """Refuse, as Invalid, what no honest peer would send, before anything else sees it."""

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        check_request(request)
        return await next.request(call, request)

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        check_connection(conn)
        await next.close(call, conn)
