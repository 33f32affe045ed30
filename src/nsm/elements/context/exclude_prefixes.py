"""Keep addresses out of prefixes that are in use around here."""

from collections.abc import Callable, Iterable

from nsm.nouns import replace
from nsm.sdk import Call, Connection, Element, Handler, Request


class ExcludePrefixes(Element):
    """Add the prefixes of this domain, as they are now, to those a vWire must keep clear of."""

    def __init__(self, prefixes: Callable[[], Iterable[str]]) -> None:
        self.prefixes = prefixes

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        ip = request.connection.ip
        merged = tuple(dict.fromkeys((*ip.excluded_prefixes, *self.prefixes())))
        if merged != ip.excluded_prefixes:
            ip = replace(ip, excluded_prefixes=merged)
            request = request.carrying(request.connection.with_ip(ip))
        return await next.request(call, request)
