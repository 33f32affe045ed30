"""Find what was found before while the registry is away."""

import logging
from collections.abc import AsyncIterator

from nsm.api.registration import Answer, Endpoint, Query, R
from nsm.elements.registry.catalog import is_foreign
from nsm.elements.registry.persistence import AWAY
from nsm.elements.registry.recollection import MOST, Recollection
from nsm.errors import Unreachable
from nsm.nouns import replace
from nsm.sdk import Call, Clock, Registry, RegistryElement
from nsm.sdk.backoff import Backoff
from nsm.sdk.streams import reading

log = logging.getLogger(__name__)

ENOUGH = 3.0
"""Seconds a registry gets for what could be answered without it."""
FIRST, LONGEST = 0.2, 2.0
"""Seconds before a registry that was away is asked again."""


class RecallFound(RegistryElement[R]):
    """Answer as the registry did last when it cannot be asked, for at most `age` seconds; 0: never.

    Only one that does not answer is away: what it refuses is refused, what it does not know is not
    there, unless it has only come back, and may be still to hear of it again. Whoever is led to an
    endpoint that went meanwhile is told so by its manager, which knows its own.
    """

    def __init__(self, clock: Clock, age: float, most: int = MOST) -> None:
        self.clock = clock
        self.memory: Recollection[R] = Recollection(clock, age, most)
        self.pauses = Backoff(FIRST, LONGEST)
        self.away_until = float("-inf")

    async def register(self, call: Call, record: R, next: Registry[R]) -> R:
        answer = await next.register(call, record)
        self.memory.hear(Answer(answer))
        return answer

    async def unregister(self, call: Call, record: R, next: Registry[R]) -> None:
        try:
            await next.unregister(call, record)
        except AWAY:
            if isinstance(record, Endpoint):  # that it leaves is known here; a service may stay
                self.memory.forget(record.name)
            raise
        self.memory.forget(record.name)

    def find(self, call: Call, query: Query[R], next: Registry[R]) -> AsyncIterator[Answer[R]]:
        return self._watch(call, query, next) if query.watch else self._find(call, query, next)

    async def _watch(
        self, call: Call, query: Query[R], next: Registry[R]
    ) -> AsyncIterator[Answer[R]]:
        told: dict[str, Answer[R]] = {}
        try:
            async with reading(next.find(call, query)) as answers:
                async for answer in answers:
                    told[answer.record.name] = answer
                    self.memory.hear(answer)
                    yield answer
            self.memory.lose()
        except Unreachable:
            for answer in told.values():  # it held until now
                self.memory.hear(answer)
            self._miss(query.like)
            raise

    async def _find(
        self, call: Call, query: Query[R], next: Registry[R]
    ) -> AsyncIterator[Answer[R]]:
        recalled = self.memory.like(query.like)
        if not (recalled and self._is_away(query.like)):
            told: set[str] = set()
            once = self._soon(call) if recalled else call
            try:
                async with reading(next.find(once, query)) as answers:
                    async for answer in answers:
                        self.memory.hear(answer)
                        told.add(answer.record.name)
                        yield answer
                recalled = self._meet(query.like, told)
            except AWAY as error:
                if not (recalled := self._instead(query.like, told)):
                    raise
                log.info("answering what the registry said last: %s", error)
                if isinstance(error, Unreachable) or once is not call:
                    self._miss(query.like)
        for answer in recalled:
            yield answer

    def _instead(self, wanted: R, told: set[str]) -> list[Answer[R]]:
        return [one for one in self.memory.like(wanted) if one.record.name not in told]

    def _is_away(self, wanted: R) -> bool:
        return self.clock.ticks() < self.away_until and not is_foreign(wanted)

    def _miss(self, wanted: R) -> None:
        if not is_foreign(wanted):
            self.away_until = self.clock.ticks() + self.pauses.pause()
            self.memory.lose()

    def _meet(self, wanted: R, told: set[str]) -> list[Answer[R]]:
        """It answers; what is to be said beside what it told."""
        if not is_foreign(wanted):
            self.pauses.reset()
        return self.memory.settle(wanted, told)

    def _soon(self, call: Call) -> Call:
        """Within time, if the caller has more: whoever has less says nothing of the registry."""
        until = self.clock.ticks() + ENOUGH
        late = call.deadline is not None and call.deadline < until
        return call if late else replace(call, deadline=until)
