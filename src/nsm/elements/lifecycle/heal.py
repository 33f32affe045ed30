"""Notice that a connection no longer carries, and ask for it until it does."""

from dataclasses import replace

from nsm.api.connection import RESELECT_REQUESTED
from nsm.elements.lifecycle.keeper import Keeper, Keeping, Liveness
from nsm.sdk import Call, Clock, Connection, Element, Handler, Life, Request, Tasks
from nsm.sdk.call import Change
from nsm.sdk.watching import Watching


def anew(conn: Connection) -> Connection:
    """Whatever way there is, to whatever endpoint: the old ones may be dead."""
    return replace(conn, mechanism=None, endpoint="", state=RESELECT_REQUESTED)


class Heal(Element):
    """Keep watch over every connection, and give it up only when it is closed (W §2.1).

    With `liveness`, a connection that still carries is asked for again as it is; without it, or
    once it says no, another way is selected. Never in a program that passes connections on.
    """

    def __init__(
        self,
        watching: Watching,
        tasks: Tasks,
        clock: Clock,
        *,
        liveness: Liveness | None = None,
        change: Change = anew,
    ) -> None:
        self.watching = watching
        self.keeping = Keeping(tasks, clock, liveness, change)
        self.keepers: dict[Life, Keeper] = {}

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        life, known = call.life, self.keepers.get(call.life)
        keeper = known or Keeper(self.keeping, life, self.watching, request.connection)
        keeper.pause()
        try:
            conn = await next.request(call, request)
        except BaseException:
            keeper.failed(known is not None)
            raise
        self.keepers[life] = keeper
        keeper.stands(conn)
        return conn

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        keeper = self.keepers.get(call.life)
        if keeper and not keeper.closing():
            del self.keepers[call.life]
        await next.close(call, conn)
