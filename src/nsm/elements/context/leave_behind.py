"""Bring nothing along that another endpoint gave."""

from nsm.nouns import replace
from nsm.sdk import Call, Connection, Element, Handler, Request


class LeaveBehind(Element):
    """Ask a chosen endpoint without what the one gave that the path led to before.

    It would let the connection keep that, and whoever is given the same next would be cut off. It
    cannot tell by itself where the way to it is not the way to the other.
    """

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        asked = request.connection
        beyond = [segment.name for segment in asked.hops.segments[asked.hops.index + 1 :]]
        if call.candidates and beyond and asked.endpoint not in beyond:
            request = request.carrying(_without_gifts(asked))
        return await next.request(call, request)


def _without_gifts(asked: Connection) -> Connection:
    if asked.context is None:
        return asked
    bare = replace(asked.context, ip_context=asked.ip.wish, dns_context=None)
    return replace(asked, context=bare)
