"""Leave this program."""

from nsm.api.validate import check_connection
from nsm.errors import Invalid, Unreachable
from nsm.sdk import Call, Connection, Element, Handler, Request, closing_on_error


class AskChannel(Element):
    """Last of a client's chain: ask the peer at the other end of the call's channel."""

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        if call.channel is None:
            raise Unreachable("no next hop", fix="place Dial, with a URL to dial, before this")
        asked, onward = request.connection, call.channel.connections
        conn = await onward.request(call, request)
        try:
            check_connection(conn)
            _check_answer(asked, conn)
        except Invalid as error:
            error.hop = call.channel.peer.id
            if call.begun and call.life.last:
                raise
            async with closing_on_error(onward, call, asked):
                raise
        return conn

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        if call.channel:
            await call.channel.connections.close(call, conn)


def _check_answer(asked: Connection, conn: Connection) -> None:
    """Refuse what is not our own view of the connection (W §1.6)."""
    own, path = asked.hops, conn.hops
    ids = tuple(segment.id for segment in own.segments[: own.index + 1])
    there = tuple(segment.id for segment in path.segments[: own.index + 1])
    if conn.id != asked.id or path.index != own.index or ids != there:
        raise Invalid(f"asked for {asked.id!r}, answered with {conn.id!r} or another path to it")
