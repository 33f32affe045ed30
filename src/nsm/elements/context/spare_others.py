"""Give nobody an address that somebody else has, however he came to think that it is his."""

from collections.abc import Sequence

from nsm.api.cidr import Address
from nsm.elements.context.assign_point_to_point import AssignPointToPoint
from nsm.sdk import Call, Connection, Element, Handler, Request


class SpareOthers(Element):
    """Take out of what a connection brings along what `groups` have given to another.

    It stands before the groups, which leave what comes as it is, ours to give or not (W §13.5).
    """

    def __init__(self, groups: Sequence[AssignPointToPoint]) -> None:
        self.groups = groups

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        asked = request.connection
        others = {a for a in asked.ip.addresses if self._is_anothers(a, asked.id)}
        if others:
            request = request.carrying(asked.with_ip(asked.ip.without(others)))
        return await next.request(call, request)

    def _is_anothers(self, address: Address, connection: str) -> bool:
        return any(
            address in group.pool and not group.may_have(connection, address)
            for group in self.groups
        )
