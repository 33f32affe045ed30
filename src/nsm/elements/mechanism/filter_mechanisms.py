"""Offer only what can span the distance to the next hop."""

from nsm.api.mechanism import LOCAL, REMOTE
from nsm.nouns import replace
from nsm.sdk import Call, Connection, Element, Handler, Request

NEAR = ("unix:", "inode:", "inproc:")
"""URL schemes of peers on this host."""


class FilterMechanisms(Element):
    """Keep local offers for peers on this host, remote ones for all others."""

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        cls = LOCAL if call.to.startswith(NEAR) else REMOTE
        fitting = tuple(offer for offer in request.preferences if offer.cls == cls)
        return await next.request(call, replace(request, preferences=fitting))
