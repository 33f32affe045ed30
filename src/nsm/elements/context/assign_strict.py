"""Addresses for both ends of a vWire, and no others."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain as chain_all

from nsm.api import cidr
from nsm.api.cidr import Address, Network
from nsm.elements.context.assign_point_to_point import AssignPointToPoint, without
from nsm.sdk import Call, Connection, Element, Handler, Request, chain


class AssignStrict(Element):
    """Take out addresses that are not this connection's to have, then give one pair a group."""

    def __init__(self, *groups: Sequence[Network]) -> None:
        self.groups = [AssignPointToPoint(group) for group in groups]

    def handed_out(self) -> Iterator[tuple[str, str]]:
        """Every address that is not free, of all groups (see `AssignPointToPoint`)."""
        return chain_all.from_iterable(group.handed_out() for group in self.groups)

    def bind(self, next: Handler) -> Handler:
        return super().bind(chain(*self.groups).bind(next))

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        asked = request.connection
        foreign = [
            address
            for address in _addresses((*asked.ip.src_ip_addrs, *asked.ip.dst_ip_addrs))
            if not any(_gives(group, address, asked.id) for group in self.groups)
        ]
        bare = asked.with_ip(without(asked.ip, foreign))
        return await next.request(call, request.carrying(bare))


def _addresses(texts: Iterable[str]) -> set[Address]:
    return {cidr.host(text) for text in texts}


def _gives(group: AssignPointToPoint, address: Address, connection: str) -> bool:
    """Whether the group may give, or has given, this address to this connection."""
    held = group.held.get(connection)
    return group.pool.is_free(address) or (held is not None and address in (held.dst, held.src))
