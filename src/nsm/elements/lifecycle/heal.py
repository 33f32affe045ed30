"""Notice that a connection no longer carries, and ask for it until it does."""

from nsm.api.connection import RESELECT_REQUESTED
from nsm.api.context import ConnectionContext, IpContext
from nsm.elements.lifecycle.keeper import Keeper, Keeping, Liveness, Noticed
from nsm.nouns import replace
from nsm.sdk import Call, Connection, Element, Handler, Life, Request, Tasks
from nsm.sdk.call import Change
from nsm.sdk.convoy import Convoy
from nsm.sdk.watching import Watching


def anew(conn: Connection) -> Connection:
    """Whatever way there is, to whatever endpoint: the old ones may be dead.

    What the old ones gave stays behind: another endpoint would let us keep addresses that are no
    longer ours, and whoever is given them next would be cut off.
    """
    return replace(
        conn,
        mechanism=None,
        endpoint="",
        state=RESELECT_REQUESTED,
        context=conn.context and _wished(conn.context),
    )


def elsewhere(conn: Connection) -> Connection:
    """The same way to another endpoint; what stands is not closed before that one has answered."""
    return replace(conn, endpoint="", context=conn.context and _wished(conn.context))


def _wished(context: ConnectionContext) -> ConnectionContext:
    """What of a context is the client's own wish, and no endpoint's answer."""
    ip = context.ip_context or IpContext()
    return ConnectionContext(ip_context=ip.wish, extra_context=context.extra_context)


class Heal(Element):
    """Keep watch over every connection, and give it up only when it is closed (W §2.1).

    With `liveness`, a connection that still carries is asked for again as it is, and moved where
    that cannot be and another endpoint serves; without it, or once it says no, another way is
    selected. Never in a program that passes connections on.
    """

    def __init__(
        self,
        watching: Watching,
        tasks: Tasks,
        convoy: Convoy,
        *,
        liveness: Liveness | None = None,
        change: Change = anew,
        noticed: Noticed = lambda _id, _why: None,
    ) -> None:
        self.watching = watching
        self.keeping = Keeping(tasks, convoy, liveness, change, elsewhere, noticed)
        self.keepers: dict[Life, Keeper] = {}

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        life, known = call.life, self.keepers.get(call.life)
        keeper = known or Keeper(self.keeping, life, self.watching, request.connection)
        keeper.pause()
        try:
            conn = await next.request(call, request)
        except BaseException as error:
            keeper.failed(error, known is not None)
            raise
        self.keepers[life] = keeper
        keeper.stands(conn)
        return conn

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        keeper = self.keepers.get(call.life)
        if keeper and not keeper.closing():
            del self.keepers[call.life]
        await next.close(call, conn)
