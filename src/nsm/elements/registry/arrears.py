"""What a registry is still to be told."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Generic

from nsm.api.registration import Endpoint, R
from nsm.elements.registry.lifetime import as_it_came
from nsm.elements.registry.persistence import AWAY, backoff, pointless
from nsm.errors import NsmError
from nsm.nouns import replace
from nsm.sdk import Call, Clock, Lanes, Registry, Tasks

log = logging.getLogger(__name__)

PATIENCE = 15.0
"""Seconds the registry gets to hear one thing."""
MOST = 16_384
"""Names answered for; beyond that, the registry alone does."""


@dataclass(frozen=True, slots=True, eq=False)
class Said(Generic[R]):
    """A registration, or its end (`gone`), as it was passed on; `heard` (ticks) by the registry."""

    call: Call
    record: R
    heard: float
    owed: bool = False
    gone: bool = False


class Arrears(Generic[R]):
    """What was said of each name, and the task that brings what is owed to the registry.

    It tries, with growing pauses, until it has brought all: what is refused for good is not said
    again, what there is no room for now is. To be changed inside a name's lane.
    """

    def __init__(self, tasks: Tasks, clock: Clock) -> None:
        self.tasks = tasks
        self.clock = clock
        self.lanes = Lanes()
        self.pauses = backoff()
        self.said: dict[str, Said[R]] = {}
        self._telling: asyncio.Task[None] | None = None
        self._told = float("-inf")

    def heard(self, call: Call, record: R) -> None:
        """The registry has agreed to this."""
        if record.name in self.said or len(self.said) < MOST:
            self.said[record.name] = Said(as_it_came(call), record, self.clock.ticks())

    def owe(self, said: Said[R], next: Registry[R]) -> None:
        """The registry is to hear this when it can."""
        self.said[said.record.name] = replace(said, owed=True)
        self._tell_soon(next)

    def lost(self, next: Registry[R]) -> None:
        """Whoever kept all this may know nothing of it any more."""
        self.said = {name: replace(said, owed=True) for name, said in self.said.items()}
        self._tell_soon(next)

    def _tell_soon(self, next: Registry[R]) -> None:
        if self._telling is None or self._telling.done():
            if self.clock.ticks() - self._told > self.pauses.longest:
                self.pauses.reset()
            self._telling = self.tasks.start("tell the registry", self._tell(next))

    async def _tell(self, next: Registry[R]) -> None:
        while owed := [name for name, said in self.said.items() if said.owed]:
            await self.clock.sleep(self.pauses.pause())
            try:
                for name in owed:
                    await self._tell_of(name, next)
            except AWAY as error:
                log.info("the registry is still to hear of %d: %s", len(owed), error)
        self._told = self.clock.ticks()

    async def _tell_of(self, name: str, next: Registry[R]) -> None:
        async with self.lanes.enter(name):
            said = self.said.get(name)
            if said is None or not said.owed:
                return
            try:
                if not self._is_over(said.record):
                    await self._say(said, next)
            except AWAY:
                raise
            except NsmError as error:
                log.warning("the registry refuses %s after it was away: %s", name, error)
                if pointless(error):
                    self.said.pop(name, None)
                return
            self._settle(name, said)

    async def _say(self, said: Said[R], next: Registry[R]) -> None:
        call = replace(as_it_came(said.call), deadline=self.clock.ticks() + PATIENCE)
        if said.gone:
            await next.unregister(call, said.record)
        else:
            await next.register(call, said.record)

    def _settle(self, name: str, said: Said[R]) -> None:
        if self.said.get(name) is not said:
            return  # lost again meanwhile
        if said.gone or self._is_over(said.record):
            del self.said[name]
        else:
            self.said[name] = replace(said, owed=False, heard=self.clock.ticks())

    def _is_over(self, record: R) -> bool:
        until = record.expiration_time if isinstance(record, Endpoint) else None
        return until is not None and until.time <= self.clock.now()
