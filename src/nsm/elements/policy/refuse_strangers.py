"""Let a connection be changed and closed only by whom it was begun for."""

from nsm.errors import Denied, Invalid
from nsm.identity import jwt
from nsm.sdk import Call, Connection, Element, Handler, Request, Slot


class RefuseStrangers(Element):
    """Hold a connection's id, which others on its path and watchers know, against who uses it.

    Whose it is says the first token of its path: proven where that is the caller's own, and vouched
    for by the caller further on. The hop before ours may become another when a path heals; the
    first one, and our place in the path, never do.
    """

    def __init__(self) -> None:
        self.owner = Slot[tuple[int, str]]()

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        self.check(call, request.connection)
        conn = await next.request(call, request)
        if call.peer is not None:
            self.owner.put(call, _owner(request.connection))
        return conn

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        self.check(call, conn)
        await next.close(call, conn)

    def check(self, call: Call, conn: Connection) -> None:
        """Raise Denied for another than the one it was begun for."""
        owner = self.owner.get(call)
        if call.peer is not None and owner is not None and owner != _owner(conn):
            raise Denied(
                f"the connection was not begun for {call.peer.id}",
                fix="ask for one with an id of your own",
            )


def _owner(conn: Connection) -> tuple[int, str]:
    path = conn.hops
    try:
        return path.index, jwt.read(path.segments[0].token).sub
    except (IndexError, Invalid):
        return path.index, ""
