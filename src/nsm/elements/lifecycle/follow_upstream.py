"""Ask again when the next hop asks for it."""

from nsm.api.connection import REFRESH_REQUESTED
from nsm.sdk import Call, Connection, Element, Handler, Life, Request, Slot
from nsm.sdk.watching import Interest, Watching


class FollowUpstream(Element):
    """Refresh a connection, once an answer, when an event says REFRESH_REQUESTED.

    With `together`, all others that go through here are refreshed after it.
    """

    def __init__(self, watching: Watching, *, together: bool = False) -> None:
        self.watching = watching
        self.together = together
        self.followers = Slot[_Follower]()
        self.all: dict[_Follower, None] = {}  # asked again in the order they came

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
        self.all[follower] = None
        leads = self.together and follower.asked and not follower.led
        follower.asked = follower.led = False
        follower.interest.settle(call.life, conn)
        if leads:
            for other in self.all:
                if other is not follower:
                    other.be_led()
        return conn

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        if follower := self.followers.take(call):
            follower.interest.leave()
            self.all.pop(follower, None)
        await next.close(call, conn)


class _Follower:
    def __init__(self, watching: Watching, conn: Connection, life: Life) -> None:
        self.life = life
        self.asked = False
        self.led = False
        self.interest: Interest = watching.interest(conn, self)

    def failed(self, known: bool) -> None:
        self.asked = self.led = False
        if known:
            self.interest.give_up()
        else:
            self.interest.leave()

    def heard(self, kind: int, conn: Connection) -> None:
        if conn.state == REFRESH_REQUESTED and not self.asked:
            self.asked = True
            self.life.refresh_soon()

    def be_led(self) -> None:
        """Another one has been refreshed because it was asked to be."""
        if not self.asked:
            self.asked = self.led = True
            self.life.refresh_soon()

    def lost(self) -> None:
        """`Heal` is the one to act on that."""
