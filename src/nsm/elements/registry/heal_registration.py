"""Register again when the registry is lost (W §1.9, §2.2 heal)."""

import asyncio
import logging
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
    pauses: Backoff = field(default_factory=backoff)

    def stop(self) -> None:
        if self.task:
            self.task.cancel()


class HealRegistration(RegistryElement[R]):
    """Watch what was registered, by its name: when the watch ends, whoever kept it has lost it.

    A registry that ends watches early is not asked again at once: pauses grow until one lasts.
    """

    def __init__(self, tasks: Tasks, clock: Clock) -> None:
        self.tasks = tasks
        self.clock = clock
        self.watch = Slot[_Watch]()

    async def register(self, call: Call, record: R, next: Registry[R]) -> R:
        answer = await next.register(call, record)
        watch = self.watch.get(call) or _Watch()
        self.watch.put(call, watch)
        if watch.task is None or watch.task.done():
            work = self._watch(call, Query(type(record)(name=record.name), watch=True), next, watch)
            watch.task = self.tasks.start(f"watch {record.name}", work)
        return answer

    async def unregister(self, call: Call, record: R, next: Registry[R]) -> None:
        if watch := self.watch.take(call):
            watch.stop()
        await next.unregister(call, record)

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
        else:
            await self.clock.sleep(watch.pauses.pause())
        call.life.refresh_soon()
