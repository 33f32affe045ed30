"""Send the files that a request names to the next hop."""

import logging

from nsm.api.mechanism import INODE_URL
from nsm.elements.mechanism.file_urls import conn_renamed, offered, send
from nsm.nouns import replace
from nsm.sdk import Call, Connection, Element, Handler, Request
from nsm.sdk.files import Files

log = logging.getLogger(__name__)


class SendFilesClient(Element):
    """On the way out, put files named by paths of ours beside the message; last before `Connect`.

    They go with every message, as the peer may see each on a socket of its own (W §4.5). A path in
    an answer that is none we offered is dropped: sent on, it would give away a file of this host.
    """

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        sent: dict[str, str] = {}
        outward = request
        if call.channel and (files := call.channel.files) is not None:
            outward = replace(
                request,
                connection=_sending(files, request.connection, sent),
                preferences=tuple(send(files, offer, sent) for offer in request.preferences),
            )
        conn = await next.request(call, outward)
        return conn_renamed(_without_foreign_path(conn, request), sent)

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        files = call.channel.files if call.channel else None
        await next.close(call, conn if files is None else _sending(files, conn, {}))


def _sending(files: Files, conn: Connection, sent: dict[str, str]) -> Connection:
    if not conn.mechanism:
        return conn
    return replace(conn, mechanism=send(files, conn.mechanism, sent))


def _without_foreign_path(conn: Connection, request: Request) -> Connection:
    url = conn.mechanism.get(INODE_URL) if conn.mechanism else ""
    if not conn.mechanism or not url.startswith("file:") or url in offered(request):
        return conn
    log.warning("%s: the answer names %s, which is not the peer's to name", conn.id, url[:100])
    return replace(conn, mechanism=conn.mechanism.without(INODE_URL))
