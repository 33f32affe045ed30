"""Faults in how endpoints give out addresses, and in what is known of endpoints."""

from typing import Any

from nsm.elements.context import AssignPointToPoint
from nsm.elements.registry import Expire, RefreshRegistration
from nsm.pools.addresses import _Lane
from nsm.store import Notes, shelf

from .mutation import mutation


@mutation(AssignPointToPoint, "_free")
def addresses_are_not_given_back(real: Any) -> Any:
    """The addresses of a connection that is no more stay taken."""
    return lambda self, pair: None


@mutation(_Lane, "hold")
def addresses_are_given_twice(real: Any) -> Any:
    """An address that is given out is given to the next as well."""
    return lambda self, number: self.held.add(number)


@mutation(Notes, "_read")
def notes_are_not_read(real: Any) -> Any:
    """An endpoint that was started again does not know what it gave, or whom it led to."""
    return lambda self: {}


@mutation(shelf, "_read")
def disk_is_not_read(real: Any) -> Any:
    """A registry that was started again does not know what stands on its disk."""
    return lambda kind, rows: iter(())


@mutation(RefreshRegistration, "_arm")
def registration_is_not_refreshed(real: Any) -> Any:
    """An endpoint is registered once, and not again before that expires."""
    return lambda self, call, answer, part: None


@mutation(Expire, "_arm")
def registration_never_expires(real: Any) -> Any:
    """A registry keeps endpoints that it has not heard of for long."""
    return lambda self, call, until, patience: None
