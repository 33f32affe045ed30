"""Give nobody an address that somebody else gave or has, however he came by it."""

from collections.abc import Sequence

from nsm.api.cidr import Address
from nsm.elements.context.assign_point_to_point import AssignPointToPoint
from nsm.sdk import Call, Connection, Element, Handler, Request


class SpareOthers(Element):
    """Take out of what a connection brings along what is not for it.

    That is what `groups` gave to another connection and, where another endpoint served this one
    before, what that gave; if it is `strict`, all that is not theirs to give. It stands before the
    groups, which leave all that comes (W §13.5).
    """

    def __init__(self, groups: Sequence[AssignPointToPoint], *, strict: bool = False) -> None:
        self.groups = groups
        self.strict = strict

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        asked = request.connection
        others = {a for a in asked.ip.addresses if not self._may_have(call, asked.id, a)}
        if others:
            request = request.carrying(asked.with_ip(asked.ip.without(others)))
        return await next.request(call, request)

    def _may_have(self, call: Call, connection: str, address: Address) -> bool:
        ours = [group for group in self.groups if address in group.pool]
        if not ours:
            return not (self.strict or call.newcomer)
        return any(group.may_have(connection, address) for group in ours)
