"""Tell those who watch what becomes of connections, here and further on."""

from nsm.api.connection import DOWN, UP
from nsm.api.monitoring import INITIAL_STATE_TRANSFER
from nsm.nouns import replace
from nsm.sdk import Call, Connection, Element, Handler, Request, Slot
from nsm.sdk.events import Events
from nsm.sdk.watching import Interest, Watching


class Monitor(Element):
    """Publish every answer and close, and relay what the next hop says meanwhile (W §1.8)."""

    def __init__(self, events: Events, watching: Watching) -> None:
        self.events = events
        self.watching = watching
        self.relays = Slot[_Relay]()

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        known = self.relays.get(call)
        relay = known or _Relay(self.events, self.watching, request.connection)
        relay.interest.expect()
        try:
            conn = await next.request(call, request)
        except BaseException:
            relay.failed(known is not None)
            raise
        self.relays.put(call, relay)
        relay.publish(replace(conn, state=UP))
        relay.interest.settle(call.life, conn)
        return conn

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        if relay := self.relays.take(call):
            relay.interest.leave()
        try:
            await next.close(call, conn)
        finally:
            self.events.delete(conn)


class _Relay:
    """One connection as we last told it."""

    def __init__(self, events: Events, watching: Watching, conn: Connection) -> None:
        self.events = events
        self.told = conn
        self.interest: Interest = watching.interest(conn, self)

    def publish(self, conn: Connection) -> None:
        self.told = conn
        self.events.publish(conn)

    def failed(self, known: bool) -> None:
        if not known:
            self.interest.leave()
            return
        if self.interest.relayed:  # without a next hop a failed refresh leaves all as it was
            self.lost()
        self.interest.give_up()

    def heard(self, kind: int, conn: Connection) -> None:
        if kind == INITIAL_STATE_TRANSFER and conn.state == self.told.state:
            return
        path = replace(conn.hops, index=self.told.hops.index)
        said = replace(self.told, path=path, context=conn.context, state=conn.state)
        if said != self.told:
            self.publish(said)

    def lost(self) -> None:
        if self.told.state != DOWN:
            self.publish(replace(self.told, state=DOWN))
