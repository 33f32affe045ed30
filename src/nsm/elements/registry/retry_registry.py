"""Ask a registry until it answers (W §2.2 retry)."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from nsm.api.registration import Answer, Query, R
from nsm.elements.registry.persistence import Pauses, late, pointless
from nsm.errors import NsmError, TooLate
from nsm.nouns import replace
from nsm.sdk import Call, Clock, Registry, RegistryElement
from nsm.sdk.streams import reading

log = logging.getLogger(__name__)
T = TypeVar("T")


class RetryRegistry(RegistryElement[R]):
    """Try again, with growing pauses, until the caller's time is up or asking is pointless.

    One try takes at most `per_try` seconds; a stream is tried until its first answer. A registry
    of this host, to whose socket `to` leads, is knocked at often while it is not there: that costs
    next to nothing, and the sooner it knows us again, the sooner we are found.
    """

    def __init__(self, clock: Clock, per_try: float = 15.0, *, to: str = "") -> None:
        self.clock = clock
        self.per_try = per_try
        self.near = to.startswith("unix://")

    async def register(self, call: Call, record: R, next: Registry[R]) -> R:
        return await self._insist(call, record.name, lambda once: next.register(once, record))

    async def unregister(self, call: Call, record: R, next: Registry[R]) -> None:
        await self._insist(call, record.name, lambda once: next.unregister(once, record))

    async def find(
        self, call: Call, query: Query[R], next: Registry[R]
    ) -> AsyncIterator[Answer[R]]:
        pauses, answered = self._pauses(), False
        while True:
            once = call if query.watch else self._once(call)
            try:
                async with reading(next.find(once, query)) as answers:
                    async for answer in answers:
                        answered = True
                        yield answer
                return
            except NsmError as error:
                pause = pauses.after(error)
                if answered or self._is_last(call, error, pause):
                    raise
                what = ("asking for %s again in %.1f s: %s", query.like.name, pause, error)
                log.log(pauses.level, *what)
            await self.clock.sleep(pause)

    async def _insist(self, call: Call, name: str, ask: Callable[[Call], Awaitable[T]]) -> T:
        pauses = self._pauses()
        while True:
            try:
                return await self._try(call, ask)
            except NsmError as error:
                pause = pauses.after(error)
                if self._is_last(call, error, pause):
                    raise
                what = ("telling the registry of %s again in %.1f s: %s", name, pause, error)
                log.log(pauses.level, *what)
            await self.clock.sleep(pause)

    async def _try(self, call: Call, ask: Callable[[Call], Awaitable[T]]) -> T:
        try:
            async with asyncio.timeout(self.per_try):
                return await ask(self._once(call))
        except TimeoutError:
            raise TooLate(f"the registry did not answer within {self.per_try:g} s") from None

    def _pauses(self) -> Pauses:
        return Pauses(near=self.near)

    def _once(self, call: Call) -> Call:
        until = self.clock.ticks() + self.per_try
        return replace(call, deadline=until if call.deadline is None else min(until, call.deadline))

    def _is_last(self, call: Call, error: NsmError, pause: float) -> bool:
        return pointless(error) or late(call, self.clock, pause)
