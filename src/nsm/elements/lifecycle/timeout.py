"""Close a connection whose token ran out before anyone refreshed it."""

from nsm.api.timestamp import Timestamp
from nsm.errors import Invalid
from nsm.sdk import Alarm, Call, Clock, Connection, Element, Handler, Request, Slot
from nsm.sdk.lives import UNFINISHED

FOR_THE_CLOSE = 0.25
"""How much of the time that is left a close may be given at most; the rest is the connection's."""


class Timeout(Element):
    """Arm an alarm on every answer; disarm it on a close that got through.

    It rings as long before the asker's token runs out as the asker gave us to answer, because a
    close with a token that has run out is refused (W §10.21). But whoever is ready to wait for
    longer than its tokens live would be closed at once.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.alarm = Slot[Alarm]()

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        expires = _expires(request.connection)
        given = 0.0 if call.deadline is None else max(0.0, call.deadline - self.clock.ticks())
        conn = await next.request(call, request)
        self.disarm(call)
        if expires:
            left = max(0.0, expires.time - self.clock.now())
            when = expires.time - min(given, FOR_THE_CLOSE * left)
            self.alarm.put(call, self.clock.at(when, call.life.close_soon))
        return conn

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        try:
            await next.close(call, conn)
        except UNFINISHED:
            raise
        except BaseException:
            self.disarm(call)
            raise
        self.disarm(call)

    def disarm(self, call: Call) -> None:
        """Whatever was to happen will not."""
        if alarm := self.alarm.take(call):
            alarm.cancel()


def _expires(conn: Connection) -> Timestamp | None:
    path = conn.hops
    if not 0 < path.index < len(path.segments):
        return None
    expires = path.segments[path.index - 1].expires
    if expires is None:
        raise Invalid(
            f"segment {path.index - 1} of the path does not say when its token expires",
            fix="send nsm-client-token and nsm-client-token-expires with every request",
        )
    return expires
