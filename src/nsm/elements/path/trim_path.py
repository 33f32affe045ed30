"""Cut off what an earlier, longer way left behind."""

from typing import ClassVar

from nsm.api.connection import Path
from nsm.nouns import replace
from nsm.sdk import Call, Connection, Element, Handler, Request, Slot


class TrimPath(Element):
    """End the path here, unless `KeepPath` saw the request go on to another hop."""

    onward: ClassVar[Slot[bool]] = Slot()

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        conn = await next.request(call, request)
        if self.onward.take(call):
            return conn
        return _trimmed(conn)


def _trimmed(conn: Connection) -> Connection:
    path = conn.hops
    if len(path.segments) <= path.index + 1:
        return conn
    kept: Path = replace(path, segments=path.segments[: path.index + 1])
    return replace(conn, path=kept)
