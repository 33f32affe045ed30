"""Always go to the same place."""

from nsm.sdk import Call, Connection, Element, Handler, Request


class SetUrl(Element):
    """Send every call on its way to one URL."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        return await next.request(call.towards(self.url), request)

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        await next.close(call.towards(self.url), conn)
