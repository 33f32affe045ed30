"""Keep the endpoint we are apart from the endpoint we lead to."""

from dataclasses import replace

from nsm.sdk import Call, Connection, Element, Handler, Request, Slot


class RememberNextEndpoint(Element):
    """Ask onward for the endpoint that answered before, or for any; to the client it is us."""

    def __init__(self) -> None:
        self.onward = Slot[str]()

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        asked = request.connection
        onward = replace(asked, endpoint=self.onward.get(call) or "")
        conn = await next.request(call, request.carrying(onward))
        self.onward.put(call, conn.endpoint)
        return replace(conn, endpoint=asked.endpoint)

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        await next.close(call, replace(conn, endpoint=self.onward.take(call) or ""))
