"""Lead the path on from one of our segments to the next."""

from nsm.nouns import replace
from nsm.sdk import Call, Connection, Element, Handler, Peer, Request, Tokens


class SignForOurselves(Element):
    """Make our own segment's token out to ourselves, for programs that ask on as another segment.

    `UpdateToken` makes it out to the asker, which the next hop's view of the path must not show:
    there, each token is for the hop after it, and the hop after ours is us again (W §5.4).
    """

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        return await next.request(call, request.carrying(self._signed(request.connection)))

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        await next.close(call, self._signed(conn))

    def _signed(self, conn: Connection) -> Connection:
        path, token = conn.hops, self.tokens.issue(Peer(self.tokens.id))
        own = replace(path.segments[path.index], token=token.text, expires=token.expires)
        return replace(conn, path=path.with_segment(path.index, own))
