"""Stand in for a registry that is away, towards those who are registered in it."""

import logging
from collections.abc import AsyncIterator

from nsm.api.registration import Answer, Endpoint, Query, R
from nsm.elements.registry.arrears import Arrears, Said
from nsm.elements.registry.catalog import is_foreign
from nsm.elements.registry.lifetime import as_it_came
from nsm.elements.registry.persistence import AWAY
from nsm.errors import Unreachable
from nsm.nouns import replace
from nsm.sdk import Call, Clock, Registry, RegistryElement, Tasks
from nsm.sdk.streams import reading

log = logging.getLogger(__name__)

ENOUGH = 5.0
"""Seconds a registry gets for what can be answered in its place."""


class KeepRegistered(RegistryElement[R]):
    """Agree to what is said again while the registry is away, and tell it all when it is back.

    For at most `outage` seconds; 0: never. Who is new waits for the registry, which alone knows
    whose a name is; so does a service that is to change or to go.
    """

    def __init__(self, tasks: Tasks, clock: Clock, outage: float) -> None:
        self.clock = clock
        self.outage = outage
        self.arrears: Arrears[R] = Arrears(tasks, clock)

    async def register(self, call: Call, record: R, next: Registry[R]) -> R:
        async with self.arrears.lanes.enter(record.name):
            came = as_it_came(call)
            known = self._standing(record)
            try:
                answer = await next.register(self._soon(call) if known else call, record)
            except AWAY as error:
                if known is None:
                    raise
                log.info("%s stays registered without the registry: %s", record.name, error)
                self.arrears.owe(Said(came, record, known.heard), next)
                return record
            if self.outage:
                self.arrears.heard(came, record)
            return answer

    async def unregister(self, call: Call, record: R, next: Registry[R]) -> None:
        async with self.arrears.lanes.enter(record.name):
            known = self.arrears.said.get(record.name) if isinstance(record, Endpoint) else None
            came = as_it_came(call)
            try:
                await next.unregister(self._soon(call) if known else call, record)
            except AWAY as error:
                if known is None:
                    raise
                log.info("%s is gone, which the registry is still to hear: %s", record.name, error)
                self.arrears.owe(Said(came, record, known.heard, gone=True), next)
            else:
                self.arrears.said.pop(record.name, None)

    def find(self, call: Call, query: Query[R], next: Registry[R]) -> AsyncIterator[Answer[R]]:
        watched = query.watch and not is_foreign(query.like)
        return self._watch(call, query, next) if watched else next.find(call, query)

    async def _watch(
        self, call: Call, query: Query[R], next: Registry[R]
    ) -> AsyncIterator[Answer[R]]:
        """When it ends of itself, the registry has gone, and may come back with nothing."""
        try:
            async with reading(next.find(call, query)) as answers:
                async for answer in answers:
                    yield answer
        except Unreachable:
            self.arrears.lost(next)
            raise
        self.arrears.lost(next)

    def _standing(self, record: R) -> Said[R] | None:
        """What was said before, if the same may be said again without the registry."""
        said = self.arrears.said.get(record.name)
        if said is None or said.gone or self.clock.ticks() - said.heard >= self.outage:
            return None
        changed = not isinstance(record, Endpoint) and _content(record) != _content(said.record)
        return None if changed else said

    def _soon(self, call: Call) -> Call:
        until = self.clock.ticks() + ENOUGH
        late = call.deadline is not None and call.deadline < until
        return call if late else replace(call, deadline=until)


def _content(record: R) -> R:
    return replace(record, path_ids=())
