"""Routes for chosen traffic only, as the endpoint's operator writes them."""

from collections.abc import Callable, Iterable

from nsm.api.context import PolicyRoute
from nsm.nouns import replace
from nsm.sdk import Call, Connection, Element, Handler, Request


class PolicyRoutes(Element):
    """Give a connection the policies that hold now, and the addresses they start from."""

    def __init__(self, policies: Callable[[], Iterable[PolicyRoute]]) -> None:
        self.policies = policies

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        ip = request.connection.ip
        policies = tuple(self.policies())
        if policies != ip.policies:
            old = {policy.from_ for policy in ip.policies}
            kept = (address for address in ip.src_ip_addrs if address not in old)
            fresh = (policy.from_ for policy in policies if policy.from_)
            sources = tuple(dict.fromkeys((*kept, *fresh)))
            ip = replace(ip, policies=policies, src_ip_addrs=sources)
            request = request.carrying(request.connection.with_ip(ip))
        return await next.request(call, request)
