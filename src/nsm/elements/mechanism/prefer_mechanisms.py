"""Put the mechanisms we like best first."""

from collections.abc import Sequence

from nsm.nouns import replace
from nsm.sdk import Call, Connection, Element, Handler, Request


class PreferMechanisms(Element):
    """Sort offers by a list of types; what is not listed goes last, in the order it came."""

    def __init__(self, types: Sequence[str]) -> None:
        self.rank = {type: rank for rank, type in enumerate(types)}

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        last = len(self.rank)
        offers = sorted(request.preferences, key=lambda offer: self.rank.get(offer.type, last))
        return await next.request(call, replace(request, preferences=tuple(offers)))
