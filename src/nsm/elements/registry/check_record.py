"""Refuse records that no honest peer would send."""

from collections.abc import AsyncIterator, Mapping

from nsm.api.names import shown
from nsm.api.registration import Answer, Query, R
from nsm.elements.registry.catalog import services_of
from nsm.errors import Exhausted, Invalid
from nsm.sdk import Call, Registry, RegistryElement

LONGEST_NAME = 253
"""Kubernetes' own bound. A domain may be a URL (W §8.2), so any printable character is good."""
MOST_SERVICES = 256
_FIELDS = "__dataclass_fields__"
"""Where a noun has its fields by name; `dataclasses.fields` makes a list of them each time."""


class CheckRecord(RegistryElement[R]):
    """Bound what one record, or one query, makes this program keep; `largest` is in characters."""

    def __init__(self, largest: int = 65_536) -> None:
        self.largest = largest

    async def register(self, call: Call, record: R, next: Registry[R]) -> R:
        if not record.name:
            raise Invalid("a registration needs a name")
        self._check(record)
        return await next.register(call, record)

    def find(self, call: Call, query: Query[R], next: Registry[R]) -> AsyncIterator[Answer[R]]:
        self._check(query.like)
        return next.find(call, query)

    async def unregister(self, call: Call, record: R, next: Registry[R]) -> None:
        self._check(record)
        await next.unregister(call, record)

    def _check(self, record: R) -> None:
        services: tuple[str, ...] = services_of(record)
        if len(services) > MOST_SERVICES:
            raise Invalid(f"{len(services)} services; one endpoint serves {MOST_SERVICES} at most")
        for name in (record.name, *services):
            if len(name) > LONGEST_NAME or not name.isprintable():
                raise Invalid(
                    f"{shown(name)} is no name",
                    fix=f"1 to {LONGEST_NAME} characters that can be printed",
                )
        if _weight(record) > self.largest:
            raise Exhausted(
                f"the record of {shown(record.name)} is larger than {self.largest} characters"
            )


def _weight(thing: object) -> int:
    """Roughly the characters in it; every value counts as one at least."""
    if isinstance(thing, str | bytes):
        return 1 + len(thing)
    if isinstance(thing, tuple):
        return 1 + sum(map(_weight, thing))
    if isinstance(thing, Mapping):
        return 1 + sum(_weight(key) + _weight(value) for key, value in thing.items())
    return 1 + sum(_weight(getattr(thing, name)) for name in getattr(thing, _FIELDS, ()))
