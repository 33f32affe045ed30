"""Know what a service is without asking the registry for every vWire."""

from collections.abc import AsyncIterator

from nsm.api.registration import Answer, NetworkService, Query
from nsm.elements.registry.matching import is_like
from nsm.elements.registry.views import MOST, View, Views
from nsm.sdk import Call, Clock, Registry, RegistryElement, Tasks
from nsm.sdk.streams import reading


class FollowServices(RegistryElement[NetworkService]):
    """Answer from a watch, for as long as the watch holds; what it has not told of is asked for.

    An answer is as old as an event's way from the registry. Who is led by it for that long is
    noticed by `WatchServices`; what is registered through here is not answered from before.
    Other domains' services are asked for each time: a proxy is not to keep a watch for each.
    """

    def __init__(self, tasks: Tasks, clock: Clock, most: int = MOST) -> None:
        self.views = Views[NetworkService](tasks, clock, most)

    async def register(
        self, call: Call, record: NetworkService, next: Registry[NetworkService]
    ) -> NetworkService:
        try:
            return await next.register(call, record)
        finally:
            self.views.forget(record.name)

    async def unregister(
        self, call: Call, record: NetworkService, next: Registry[NetworkService]
    ) -> None:
        try:
            await next.unregister(call, record)
        finally:
            self.views.forget(record.name)

    async def find(
        self, call: Call, query: Query[NetworkService], next: Registry[NetworkService]
    ) -> AsyncIterator[Answer[NetworkService]]:
        view = None if query.watch else self._view(query.like.name, next)
        known = view.records.get(query.like.name) if view else None
        if known and is_like(known, query.like):
            yield Answer(known)
            return
        async with reading(next.find(call, query)) as answers:
            async for answer in answers:
                yield answer

    def _view(self, name: str, next: Registry[NetworkService]) -> View[NetworkService] | None:
        if not name or "@" in name:
            return None
        return self.views.of(name, NetworkService(name=name), next)
