"""Let a connection be changed and closed only by whom it was begun for."""

from collections.abc import Callable

from nsm.errors import Denied
from nsm.identity.evidence import subject
from nsm.sdk import Call, Connection, Element, Handler, Peer, Request, Slot


class RefuseStrangers(Element):
    """Hold a connection's id, which others on its path and watchers know, against who uses it.

    Whose it is says the first token of its path, if `believes` knows the caller; else it is the
    caller's. The hop before ours may become another when a path heals; the first one, and our place
    in the path, never do.
    """

    def __init__(self, believes: Callable[[str], bool] = lambda _: True) -> None:
        self.believes = believes
        self.owner = Slot[tuple[int, str]]()

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        self.check(call, request.connection)
        conn = await next.request(call, request)
        if call.peer is not None:
            self.owner.put(call, self._owner(call.peer, request.connection))
        return conn

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        self.check(call, conn)
        await next.close(call, conn)

    def check(self, call: Call, conn: Connection) -> None:
        """Raise Denied for another than the one it was begun for."""
        owner = self.owner.get(call)
        if call.peer is None or owner is None:
            return
        if owner != self._owner(call.peer, conn):
            raise Denied(
                f"the connection was not begun for {call.peer.id}",
                fix="ask for one with an id of your own",
            )

    def _owner(self, peer: Peer, conn: Connection) -> tuple[int, str]:
        index, segments = conn.hops.index, conn.hops.segments
        if not self.believes(peer.id):
            return index, peer.id
        return index, subject(segments[0].token) if segments else ""
