"""Sign for this hop, and keep what the asker signed."""

from nsm.api.connection import Path
from nsm.errors import Invalid
from nsm.nouns import replace
from nsm.sdk import Call, Connection, Element, Handler, Request, Token, Tokens


class UpdateToken(Element):
    """Put the caller's token and our own into the path, for whoever checks it (W §1.7)."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        signed = self.sign(call, request.connection)
        answer = await next.request(call, request.carrying(signed))
        return self.countersign(call, answer)

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        await next.close(call, self.sign(call, conn))

    def sign(self, call: Call, conn: Connection) -> Connection:
        """The connection with fresh tokens of the asker's hop and of this one."""
        path = conn.hops
        if path.index >= len(path.segments):
            raise Invalid(f"path index {path.index} of {len(path.segments)} segments")
        if call.token and path.index:
            path = _put(path, path.index - 1, call.token)
        return replace(conn, path=_put(path, path.index, self.tokens.issue(call.peer)))

    def countersign(self, call: Call, conn: Connection) -> Connection:
        """The answer with our token for the next hop such that the asker, too, can check it.

        Each judges it by the certificate it was shown, and these differ while we change ours.
        """
        onward = call.life.channel if call.begun else None
        if call.peer is None or onward is None or onward.peer.shown == call.peer.shown:
            return conn
        token = self.tokens.issue(replace(onward.peer, shown=call.peer.shown))
        return replace(conn, path=_put(conn.hops, conn.hops.index, token))


def _put(path: Path, at: int, token: Token) -> Path:
    segment = replace(path.segments[at], token=token.text, expires=token.expires)
    return path.with_segment(at, segment)
