"""Addresses for both ends of a vWire, and no others."""

from collections.abc import Iterator, Sequence
from itertools import chain as chain_all

from nsm.api.cidr import Network
from nsm.elements.context.assign_point_to_point import AssignPointToPoint
from nsm.elements.context.spare_others import SpareOthers
from nsm.sdk import Element, Handler, chain


class AssignStrict(Element):
    """Take out addresses that are not this connection's to have, then give one pair a group."""

    def __init__(self, *groups: Sequence[Network]) -> None:
        self.groups = [AssignPointToPoint(group) for group in groups]

    def handed_out(self) -> Iterator[tuple[str, str]]:
        """Every address that is not free, of all groups (see `AssignPointToPoint`)."""
        return chain_all.from_iterable(group.handed_out() for group in self.groups)

    def bind(self, next: Handler) -> Handler:
        others = SpareOthers(self.groups, strict=True)
        return super().bind(chain(others, *self.groups).bind(next))
