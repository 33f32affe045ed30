"""Keep a watch going when the registry comes and goes (W §2.2 heal)."""

import logging
from collections.abc import AsyncIterator

from nsm.api.registration import Answer, Query, R
from nsm.elements.registry.persistence import backoff, late, pointless
from nsm.errors import NsmError
from nsm.sdk import Call, Clock, Registry, RegistryElement
from nsm.sdk.streams import reading

log = logging.getLogger(__name__)


class HealFind(RegistryElement[R]):
    """Open a watch again when it ends; it then begins with what is there, as a new one does."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def find(self, call: Call, query: Query[R], next: Registry[R]) -> AsyncIterator[Answer[R]]:
        return self._watch(call, query, next) if query.watch else next.find(call, query)

    async def _watch(
        self, call: Call, query: Query[R], next: Registry[R]
    ) -> AsyncIterator[Answer[R]]:
        pauses = backoff()
        while True:
            try:
                async with reading(next.find(call, query)) as answers:
                    async for answer in answers:
                        pauses.reset()
                        yield answer
            except NsmError as error:
                if pointless(error) or late(call, self.clock):
                    raise
                log.info("watching %s is to begin again: %s", query.like.name, error)
            await self.clock.sleep(pauses.pause())
