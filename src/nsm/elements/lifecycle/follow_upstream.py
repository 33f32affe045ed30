"""Ask again when the next hop asks for it."""

from nsm.api.connection import REFRESH_REQUESTED
from nsm.sdk import Call, Connection, Element, Handler, Life, Request, Slot
from nsm.sdk.watching import Interest, Watching


class FollowUpstream(Element):
    """Refresh a connection, once an answer, when an event says REFRESH_REQUESTED."""

    def __init__(self, watching: Watching) -> None:
        self.watching = watching
        self.followers = Slot[_Follower]()

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        known = self.followers.get(call)
        follower = known or _Follower(self.watching, request.connection, call.life)
        follower.interest.expect()
        try:
            conn = await next.request(call, request)
        except BaseException:
            follower.failed(known is not None)
            raise
        self.followers.put(call, follower)
        follower.asked = False
        follower.interest.settle(call.life)
        return conn

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        if follower := self.followers.take(call):
            follower.interest.drop()
        await next.close(call, conn)


class _Follower:
    def __init__(self, watching: Watching, conn: Connection, life: Life) -> None:
        self.life = life
        self.asked = False
        self.interest: Interest = watching.interest(conn, self)

    def failed(self, known: bool) -> None:
        self.asked = False
        if known:
            self.interest.give_up()
        else:
            self.interest.drop()

    def heard(self, kind: int, conn: Connection) -> None:
        if conn.state == REFRESH_REQUESTED and not self.asked:
            self.asked = True
            self.life.refresh_soon()

    def lost(self) -> None:
        """`Heal` is the one to act on that."""
