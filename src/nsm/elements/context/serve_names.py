"""Name service that comes with a vWire."""

from collections.abc import Sequence

from nsm.api.context import ConnectionContext, DnsConfig, DnsContext
from nsm.nouns import replace
from nsm.sdk import Call, Connection, Element, Handler, Request


class ServeNames(Element):
    """Tell the client which servers answer for names behind this endpoint."""

    def __init__(self, configs: Sequence[DnsConfig]) -> None:
        self.configs = tuple(configs)

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        context = request.connection.context or ConnectionContext()
        dns = context.dns_context or DnsContext()
        new = tuple(config for config in self.configs if config not in dns.configs)
        if new:
            context = replace(context, dns_context=replace(dns, configs=(*dns.configs, *new)))
            request = request.carrying(replace(request.connection, context=context))
        return await next.request(call, request)
