"""Send the file that an answer names to whoever asked."""

from nsm.elements.mechanism.file_urls import send
from nsm.nouns import replace
from nsm.sdk import Call, Connection, Element, Handler, Request, closing_on_error


class SendFiles(Element):
    """On the way back, put a file named by a path of ours beside the answer."""

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        conn = await next.request(call, request)
        if call.files is None or not conn.mechanism:
            return conn
        if call.life.last is not None:
            return replace(conn, mechanism=send(call.files, conn.mechanism, {}))
        async with closing_on_error(next, call, conn):
            return replace(conn, mechanism=send(call.files, conn.mechanism, {}))
