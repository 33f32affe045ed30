"""Give every connection a life of its own, lived one event at a time (see `nsm.sdk.lives`)."""

from nsm.api.connection import RESELECT_REQUESTED
from nsm.errors import Invalid
from nsm.sdk import Call, Clock, Connection, Element, Handler, Request, Tasks
from nsm.sdk.lives import Lives


class Begin(Element):
    """Where a server's events start, and where later elements send theirs to start over.

    A close counts only from the hop that a connection comes by: one that it came by before, on its
    way to another node and back, may close what it had, and be late.
    """

    def __init__(self, tasks: Tasks, clock: Clock) -> None:
        self.lives = Lives(tasks, clock)

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        if call.begun:
            return await next.request(call, request)
        key = request.connection.id
        if not key:
            raise Invalid("a connection without an id", fix="place UpdatePath before Begin")
        async with self.lives.lanes.enter(key):
            one = self.lives.of(key, next)
            anew = request.connection.state == RESELECT_REQUESTED
            if anew and one.current and await one.leave(call):
                one.abandon()
                one = self.lives.of(key, next)
            return await one.ask(call, request)

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        if call.begun:
            await next.close(call, conn)
            return
        async with self.lives.lanes.enter(conn.id):
            one = self.lives.lived.get(conn.id)
            if one and not _has_left(one.request.connection, conn):
                await one.close(call)


def _has_left(stands: Connection, closed: Connection) -> bool:
    """Whether it comes by another hop by now than by the one that closes it."""
    by, before = _by(stands), _by(closed)
    return bool(by and before) and by != before


def _by(conn: Connection) -> str:
    """The hop before us, as the path has it."""
    path = conn.hops
    return path.segments[path.index - 1].id if 0 < path.index <= len(path.segments) else ""
