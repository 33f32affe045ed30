"""Take the file the next hop sends with its answer, and keep it for as long as it is needed."""

from nsm.api.mechanism import INODE_URL
from nsm.elements.mechanism.file_urls import Received, conn_renamed, offered, patience
from nsm.errors import Invalid
from nsm.sdk import Call, Clock, Connection, Element, Handler, Request, Slot, closing_on_error


class ReceiveFilesClient(Element):
    """Show whoever asked a path of ours for the file that an answer names.

    `from_owners`: those who answer use the file, and do not pass it on.
    """

    def __init__(self, clock: Clock, *, from_owners: bool = False) -> None:
        self.clock = clock
        self.from_owners = from_owners
        self.received = Slot[Received]()

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        conn = await next.request(call, request)
        standing = self.received.get(call)
        if standing is not None:
            return await self._take(call, request, conn, standing)
        async with closing_on_error(next, call, conn):
            return await self._take(call, request, conn, Received())

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        received = self.received.take(call)
        try:
            await next.close(call, conn)
        finally:
            if received:
                received.keep(())

    async def _take(
        self, call: Call, request: Request, conn: Connection, received: Received
    ) -> Connection:
        url = conn.mechanism.get(INODE_URL) if conn.mechanism else ""
        if url not in received.urls.values():
            # What we offered comes back under our own name and needs no receiving.
            if url not in ("", *offered(request), *received.fds):
                await self._receive(call, received, url)
            received.keep((url,))
        self.received.put(call, received)
        return conn_renamed(conn, received.urls)

    async def _receive(self, call: Call, received: Received, url: str) -> None:
        files = call.channel.files if call.channel else None
        if files is None:
            raise Invalid(f"{url[:100]} is named by a peer that can send no files", hop=call.to)
        receive = received.receive_own if self.from_owners else received.receive
        await receive(files, url, patience(call, self.clock))
