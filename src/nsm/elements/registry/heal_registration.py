"""Register again when the registry is lost (W §1.9, §2.2 heal)."""

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass, field

from nsm.api.registration import Query, R
from nsm.elements.registry.persistence import backoff
from nsm.errors import NsmError
from nsm.sdk import Call, Clock, Registry, RegistryElement, Slot, Tasks
from nsm.sdk.backoff import Backoff
from nsm.sdk.streams import reading

log = logging.getLogger(__name__)
STEADY = 5.0
"""Seconds after which a watch that ends is a loss and not a habit."""


@dataclass(slots=True)
class _Watch:
    task: asyncio.Task[None] | None = None
    opened: bool = False
    pauses: Backoff = field(default_factory=backoff)

    @property
    def going(self) -> bool:
        return self.task is not None and not self.task.done()

    def stop(self) -> None:
        if self.task:
            self.task.cancel()


class HealRegistration(RegistryElement[R]):
    """Watch what was registered, by its name: when the watch ends, whoever kept it has lost it.

    Then it is registered again until that succeeds. A registry that ends watches early is not asked
    again at once: pauses grow until one lasts.
    """

    def __init__(self, tasks: Tasks, clock: Clock) -> None:
        self.tasks = tasks
        self.clock = clock
        self.watch = Slot[_Watch]()

    async def register(self, call: Call, record: R, next: Registry[R]) -> R:
        watch = self.watch.get(call) or _Watch()
        try:
            answer = await next.register(call, record)
        except BaseException:
            if call.life.last and not watch.going:
                self._start(watch, f"heal {record.name}", self._again(call, watch))
            raise
        self.watch.put(call, watch)
        if not (watch.going and watch.opened):
            watch.stop()
            query = Query(type(record)(name=record.name), watch=True)
            self._start(watch, f"watch {record.name}", self._watch(call, query, next, watch))
            watch.opened = True
        return answer

    async def unregister(self, call: Call, record: R, next: Registry[R]) -> None:
        if watch := self.watch.take(call):
            watch.stop()
        await next.unregister(call, record)

    def _start(self, watch: _Watch, name: str, work: Coroutine[None, None, None]) -> None:
        watch.task, watch.opened = self.tasks.start(name, work), False

    async def _watch(self, call: Call, query: Query[R], next: Registry[R], watch: _Watch) -> None:
        began = self.clock.ticks()
        try:
            async with reading(next.find(Call(to=call.to), query)) as answers:
                async for _ in answers:
                    pass
        except NsmError as error:
            log.info("lost the registry of %s: %s", query.like.name, error)
        if self.clock.ticks() - began >= STEADY:
            watch.pauses.reset()
            call.life.refresh_soon()
        else:
            await self._again(call, watch)

    async def _again(self, call: Call, watch: _Watch) -> None:
        watch.opened = False
        await self.clock.sleep(watch.pauses.pause())
        call.life.refresh_soon()
