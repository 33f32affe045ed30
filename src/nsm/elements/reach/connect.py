"""Join what others made for us to what we make ourselves."""

from nsm.sdk import Call, Connection, Element, Handler, Request, closing_on_error


class Connect(Element):
    """Ask onward first; with its answer in hand, go on with our own part."""

    def __init__(self, onward: Handler) -> None:
        self.onward = onward

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        stood = call.begun and call.life.last is not None
        conn = await self.onward.request(call, request)
        if stood:
            return await next.request(call, request.carrying(conn))
        async with closing_on_error(self.onward, call, conn):
            return await next.request(call, request.carrying(conn))

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        try:
            await self.onward.close(call, conn)
        finally:
            await next.close(call, conn)
