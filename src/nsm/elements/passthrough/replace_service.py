"""Ask for another service than one serves."""

from dataclasses import replace

from nsm.sdk import Call, Connection, Element, Handler, Request


class ReplaceService(Element):
    """Go on to `service` where one is named; the caller hears the name it asked for."""

    def __init__(self, service: str = "") -> None:
        self.service = service

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        asked = request.connection
        onward = replace(asked, network_service=self.service or asked.network_service)
        conn = await next.request(call, request.carrying(onward))
        return replace(conn, network_service=asked.network_service)

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        service = self.service or conn.network_service
        await next.close(call, replace(conn, network_service=service))
