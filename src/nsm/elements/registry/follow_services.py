"""Know what a service is without asking the registry for every vWire."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass

from nsm.api.registration import Answer, NetworkService, Query
from nsm.elements.registry.matching import is_like
from nsm.errors import NsmError
from nsm.sdk import Call, Clock, Registry, RegistryElement, Tasks
from nsm.sdk.streams import reading

log = logging.getLogger(__name__)

IDLE = 60.0
"""Seconds a service is followed after it was last asked for."""
MOST = 1024
"""Services followed at once; those beyond are asked for."""


@dataclass(eq=False)
class _View:
    """One service as the registry last told of it; None: it did not, or it is gone."""

    asked: float
    service: NetworkService | None = None
    task: "asyncio.Task[None] | None" = None


class FollowServices(RegistryElement[NetworkService]):
    """Answer from a watch, for as long as the watch holds; what it has not told of is asked for.

    An answer is as old as an event's way from the registry. Who is led by it for that long is
    noticed by `WatchServices`; what is registered through here is not answered from before.
    Other domains' services are asked for each time: a proxy is not to keep a watch for each.
    """

    def __init__(self, tasks: Tasks, clock: Clock, most: int = MOST) -> None:
        self.tasks = tasks
        self.clock = clock
        self.most = most
        self.views: dict[str, _View] = {}

    async def register(
        self, call: Call, record: NetworkService, next: Registry[NetworkService]
    ) -> NetworkService:
        try:
            return await next.register(call, record)
        finally:
            self._forget(record.name)

    async def unregister(
        self, call: Call, record: NetworkService, next: Registry[NetworkService]
    ) -> None:
        try:
            await next.unregister(call, record)
        finally:
            self._forget(record.name)

    async def find(
        self, call: Call, query: Query[NetworkService], next: Registry[NetworkService]
    ) -> AsyncIterator[Answer[NetworkService]]:
        view = None if query.watch else self._view(query.like.name, next)
        if view and view.service and is_like(view.service, query.like):
            yield Answer(view.service)
            return
        async with reading(next.find(call, query)) as answers:
            async for answer in answers:
                yield answer

    def _view(self, name: str, next: Registry[NetworkService]) -> _View | None:
        if view := self.views.get(name):
            view.asked = self.clock.ticks()
        elif name and "@" not in name and len(self.views) < self.most:
            view = self.views[name] = _View(self.clock.ticks())
            view.task = self.tasks.start(f"follow {name}", self._follow(name, view, next))
            self.clock.after(IDLE, lambda: self._look(name, view))
        return view

    async def _follow(self, name: str, view: _View, next: Registry[NetworkService]) -> None:
        query = Query(NetworkService(name=name), watch=True)
        try:
            async with reading(next.find(Call(), query)) as answers:
                async for answer in answers:
                    if answer.record.name == name:
                        view.service = None if answer.deleted else answer.record
        except NsmError as error:
            log.info("no longer following service %s: %s", name, error)
        finally:
            view.service = None
            if self.views.get(name) is view:
                del self.views[name]

    def _look(self, name: str, view: _View) -> None:
        """Leave off once nobody has asked for long enough."""
        if self.views.get(name) is not view:
            return
        left = view.asked + IDLE - self.clock.ticks()
        if left > 0:
            self.clock.after(left, lambda: self._look(name, view))
        else:
            self._forget(name)

    def _forget(self, name: str) -> None:
        if view := self.views.pop(name, None):
            view.service = None
            if view.task:
                view.task.cancel()
