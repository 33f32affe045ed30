"""Pass a connection on to another service."""

from nsm.nouns import replace
from nsm.sdk import Call, Connection, Element, Handler, Request


class ReplaceService(Element):
    """Ask for the service that comes next in a chain; to the client it is the one it asked for."""

    def __init__(self, service: str) -> None:
        self.service = service

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        asked = request.connection
        onward = replace(asked, network_service=self.service)
        conn = await next.request(call, request.carrying(onward))
        return replace(conn, network_service=asked.network_service)

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        await next.close(call, replace(conn, network_service=self.service))
