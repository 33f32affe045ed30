"""Take the files a caller sends with its request, and keep them for as long as they are needed."""

from collections.abc import Mapping, Sequence

from nsm.api.mechanism import INODE_URL
from nsm.elements.mechanism.file_urls import Received, conn_renamed, named, patience, renamed
from nsm.errors import Invalid
from nsm.nouns import replace
from nsm.sdk import Call, Clock, Connection, Element, Handler, Request, Slot


class ReceiveFiles(Element):
    """Show what follows a path of ours for each file; show the caller its own name for it.

    A caller that can send no files (TCP) can name none either. `from_owners`: callers are who uses
    the files, and not who passes them on.
    """

    def __init__(self, clock: Clock, *, from_owners: bool = False) -> None:
        self.clock = clock
        self.from_owners = from_owners
        self.received = Slot[Received]()

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        wanted = named((request.connection.mechanism, *request.preferences))
        standing = self.received.get(call) or Received()
        if not wanted and not standing.fds:
            return await next.request(call, request)
        fresh = Received()
        try:
            await self._receive(call, fresh, [url for url in wanted if url not in standing.fds])
            conn = await next.request(call, _inward(request, {**standing.urls, **fresh.urls}))
        except BaseException:
            fresh.keep(())
            raise
        standing.absorb(fresh)
        return self._settle(call, conn, standing)

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        received = self.received.take(call) or Received()
        try:
            await next.close(call, conn_renamed(conn, received.urls))
        finally:
            received.keep(())

    async def _receive(self, call: Call, fresh: Received, urls: Sequence[str]) -> None:
        for url in urls:
            if call.files is None:
                raise Invalid(
                    f"{url} is named by a caller that can send no files",
                    fix="ask through a unix socket, or offer remote mechanisms only",
                )
            receive = fresh.receive_own if self.from_owners else fresh.receive
            await receive(call.files, url, patience(call, self.clock))

    def _settle(self, call: Call, conn: Connection, received: Received) -> Connection:
        """Name the selected file as the caller does, and close what was offered in vain."""
        answer = conn_renamed(conn, {ours: url for url, ours in received.urls.items()})
        received.keep((answer.mechanism.get(INODE_URL),) if answer.mechanism else ())
        self.received.put(call, received)
        return answer


def _inward(request: Request, names: Mapping[str, str]) -> Request:
    offers = tuple(renamed(offer, names) for offer in request.preferences)
    conn = conn_renamed(request.connection, names)
    return replace(request, connection=conn, preferences=offers)
