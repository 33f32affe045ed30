"""Give every connection one asks for a life of its own, which it may change behind one's back."""

from collections.abc import Mapping

from nsm.api.context import ConnectionContext
from nsm.errors import Invalid
from nsm.nouns import replace
from nsm.sdk import Call, Clock, Connection, Element, Handler, Request, Tasks
from nsm.sdk.lives import Lives


class BeginClient(Element):
    """Where a client's events start; what the asker edits is merged into what stands by now."""

    def __init__(self, tasks: Tasks, clock: Clock) -> None:
        self.lives = Lives(tasks, clock)

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        if call.begun:
            return await next.request(call, request)
        asked = request.connection
        if not asked.id:
            raise Invalid("a connection without an id", fix="place UpdatePath before BeginClient")
        async with self.lives.lanes.enter(asked.id):
            one = self.lives.of(asked.id, next)
            if one.returned:
                asked = _merge(one.returned, asked, one.request.connection)
            one.returned = await one.ask(call, request.carrying(asked))
            return one.returned

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        if call.begun:
            await next.close(call, conn)
            return
        async with self.lives.lanes.enter(conn.id):
            if one := self.lives.lived.get(conn.id):
                await one.close(call)


def _merge(returned: Connection, asked: Connection, current: Connection) -> Connection:
    """What stands now, with what the asker changed since it was last answered (W §2.1)."""
    merged = current
    if asked.endpoint != returned.endpoint:
        merged = replace(merged, endpoint=asked.endpoint)
    if asked.context != returned.context:
        merged = replace(merged, context=_merge_context(returned, asked, current))
    return merged


def _merge_context(
    returned: Connection, asked: Connection, current: Connection
) -> ConnectionContext:
    was, wanted, now = (one.context or ConnectionContext() for one in (returned, asked, current))
    extra = _merge_extra(was.extra_context, wanted.extra_context, now.extra_context)
    return replace(wanted, extra_context=extra)


def _merge_extra(
    was: Mapping[str, str], wanted: Mapping[str, str], now: Mapping[str, str]
) -> Mapping[str, str]:
    """Changed values are changed and removed keys removed; upstream adds no new ones, nor do we."""
    removed = was.keys() - wanted.keys()
    changed = {key: value for key, value in wanted.items() if key in was and was[key] != value}
    return {key: changed.get(key, value) for key, value in now.items() if key not in removed}
