"""Choose one of the mechanisms a client offers."""

from collections.abc import Mapping

from nsm.elements.mechanism.metric import SERVER, with_metric
from nsm.errors import NsmError, Unsupported
from nsm.nouns import replace
from nsm.sdk import Call, Connection, Element, Handler, Link, Request
from nsm.sdk.attempts import Attempts
from nsm.sdk.combine import by_mechanism

MOST_OFFERS = 32
"""Preferences looked at in one request; each may mean a whole connection tried."""


class SelectMechanism(Element):
    """Take the first offer that works all the way down; keep to it from then on (W §2.1)."""

    def __init__(self, ways: Mapping[str, Link[Handler]]) -> None:
        self.ways = ways

    def bind(self, next: Handler) -> Handler:
        return super().bind(by_mechanism(self.ways).bind(next))

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        if request.connection.mechanism:
            return _told(await next.request(call, request))
        attempts = Attempts("agree on a mechanism")
        for offer in request.preferences[:MOST_OFFERS]:
            if offer.type not in self.ways:
                continue
            chosen = replace(request.connection, mechanism=offer)
            try:
                return _told(await next.request(call, request.carrying(chosen)))
            except NsmError as error:
                attempts.failed(offer.type, error)
        if attempts.failures:
            raise attempts.error()
        raise self._nothing_in_common(request)

    def _nothing_in_common(self, request: Request) -> NsmError:
        offered = ", ".join(o.type for o in request.preferences[:MOST_OFFERS]) or "nothing"
        able = ", ".join(self.ways) or "none"
        return Unsupported(
            f"offered: {offered}; this host can do: {able}", fix="offer one this host can do"
        )


def _told(conn: Connection) -> Connection:
    return with_metric(conn, SERVER, conn.mechanism)
