"""Pass a connection on under labels of our own."""

from collections.abc import Mapping

from nsm.nouns import replace
from nsm.sdk import Call, Connection, Element, Handler, Request


class ReplaceLabels(Element):
    """Ask the next endpoint of a chain with our labels; give the client its own back."""

    def __init__(self, labels: Mapping[str, str]) -> None:
        self.labels = dict(labels)

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        asked = request.connection
        conn = await next.request(call, request.carrying(replace(asked, labels=self.labels)))
        return replace(conn, labels=asked.labels)

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        await next.close(call, replace(conn, labels=self.labels))
