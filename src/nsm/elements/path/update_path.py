"""Enter this hop in the path, and give the asker back the view it had."""

from collections.abc import Callable

from nsm.api.connection import RESELECT_REQUESTED, Path, Segment
from nsm.api.validate import MOST_HOPS
from nsm.errors import Invalid
from nsm.nouns import replace
from nsm.sdk import Call, Connection, Element, Handler, Request
from nsm.sdk.chance import new_id


class UpdatePath(Element):
    """First of every chain: below it a connection's id and index are this hop's own (W §1.6).

    One that `succeeds` goes on under the id of whoever was in its place in the path before: what
    that one built and is known by stands, and is found by it. Any other is a newcomer there.
    """

    def __init__(
        self, name: str, new_id: Callable[[], str] = new_id, *, succeeds: bool = False
    ) -> None:
        self.name = name
        self.new_id = new_id
        self.succeeds = succeeds

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        entered = self.enter(request.connection)
        asker, newcomer = _asker(request.connection), self._is_newcomer(request.connection)
        call = replace(call, newcomer=newcomer, goes_on=not newcomer and _was_led_on(entered))
        return _restore(await next.request(call, request.carrying(entered)), asker)

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        await next.close(call, self.enter(conn))

    def enter(self, conn: Connection) -> Connection:
        """The connection as this hop sees it."""
        path = conn.hops
        if not path.segments:
            own = Segment(self.name, conn.id or self.new_id())
            return replace(conn, id=own.id, path=replace(path, index=0, segments=(own,)))
        if path.index >= len(path.segments):
            raise Invalid(f"path index {path.index} of {len(path.segments)} segments")
        here = path.segments[path.index]
        if here.name == self.name:
            return conn if conn.id == here.id else replace(conn, id=here.id)
        if here.id != conn.id:
            raise Invalid(f"connection {conn.id!r} is {here.id!r} in its path")
        return self._step(conn, path)

    def _is_newcomer(self, asked: Connection) -> bool:
        path = asked.hops
        here = path.segments[path.index : path.index + 2]
        return (
            len(here) == 2 and not self.succeeds and self.name not in (here[0].name, here[1].name)
        )

    def _step(self, conn: Connection, path: Path) -> Connection:
        at = path.index + 1
        if at >= MOST_HOPS or len(path.segments) > MOST_HOPS:
            raise Invalid(f"a path of more than {MOST_HOPS} segments", fix="look for a loop")
        if at == len(path.segments):
            path = path.with_segment(at, Segment(self.name, self.new_id()))
        elif path.segments[at].name != self.name:
            stranger = path.segments[at]
            id = stranger.id if self.succeeds else ""
            mine = replace(stranger, name=self.name, id=id or self.new_id())
            path = path.with_segment(at, mine)
        if not path.segments[at].id:
            path = path.with_segment(at, replace(path.segments[at], id=self.new_id()))
        return replace(conn, id=path.segments[at].id, path=replace(path, index=at))


def _was_led_on(conn: Connection) -> bool:
    """Whether the asker knows of hops behind us, and does not want others."""
    path = conn.hops
    return conn.state != RESELECT_REQUESTED and len(path.segments) > path.index + 1


def _asker(conn: Connection) -> int:
    """Where the asker stands in the path; the first hop asks itself."""
    return conn.hops.index if conn.hops.segments else 0


def _restore(conn: Connection, index: int) -> Connection:
    path = conn.hops
    if index >= len(path.segments):
        return conn
    return replace(conn, id=path.segments[index].id, path=replace(path, index=index))
