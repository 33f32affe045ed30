"""Facts that have no field of their own."""

from collections.abc import Mapping

from nsm.api.context import ConnectionContext
from nsm.nouns import replace
from nsm.sdk import Call, Connection, Element, Handler, Request


class SetExtraContext(Element):
    """Put fixed entries into a connection's extra context."""

    def __init__(self, entries: Mapping[str, str]) -> None:
        self.entries = entries

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        context = request.connection.context or ConnectionContext()
        extra = {**context.extra_context, **self.entries}
        context = replace(context, extra_context=extra)
        return await next.request(
            call, request.carrying(replace(request.connection, context=context))
        )
