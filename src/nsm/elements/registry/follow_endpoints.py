"""Know who serves a service without asking the registry for every vWire."""

from collections.abc import AsyncIterator

from nsm.api.registration import Answer, Endpoint, Query
from nsm.api.timestamp import Timestamp
from nsm.elements.registry.matching import is_like
from nsm.elements.registry.views import MOST, View, Views
from nsm.sdk import Call, Clock, Registry, RegistryElement, Tasks
from nsm.sdk.streams import reading


class FollowEndpoints(RegistryElement[Endpoint]):
    """Answer from a watch of the service, once it is known to have told all, while it holds.

    A watch does not say where what there was ends. So whoever asks first is answered by the
    registry, and the watch is believed when it has told all that this answer named. An empty answer
    is never given from here, nor one that has expired: the registry has the last word on absence.
    Endpoints asked for by name are found among those that are followed.
    """

    def __init__(self, tasks: Tasks, clock: Clock, most: int = MOST) -> None:
        self.clock = clock
        self.views = Views[Endpoint](tasks, clock, most)

    async def register(self, call: Call, record: Endpoint, next: Registry[Endpoint]) -> Endpoint:
        answer = await next.register(call, record)
        for name in answer.network_service_names:
            if view := self.views.known.get(name):
                view.put(answer)
        return answer

    async def unregister(self, call: Call, record: Endpoint, next: Registry[Endpoint]) -> None:
        try:
            await next.unregister(call, record)
        finally:
            for view in self.views.known.values():
                view.records.pop(record.name, None)

    async def find(
        self, call: Call, query: Query[Endpoint], next: Registry[Endpoint]
    ) -> AsyncIterator[Answer[Endpoint]]:
        view = self._view(query, next)
        if known := self._known(view, query):
            for record in known:
                yield Answer(record)
            return
        names: set[str] = set()
        async with reading(next.find(call, query)) as answers:
            async for answer in answers:
                names.add(answer.record.name)
                yield answer
        if view:
            view.whole = names <= view.told

    def _view(self, query: Query[Endpoint], next: Registry[Endpoint]) -> View[Endpoint] | None:
        """The view of the service that is asked for, where nothing but that is asked."""
        names = query.like.network_service_names
        if query.watch or len(names) != 1 or "@" in names[0]:
            return None
        topic = Endpoint(network_service_names=names)
        return self.views.of(names[0], topic, next) if query.like == topic else None

    def _known(self, view: View[Endpoint] | None, query: Query[Endpoint]) -> list[Endpoint]:
        found: list[Endpoint] = []
        if view and view.whole:
            found = list(view.records.values())
        elif query.like.name and not query.watch:
            found = self._named(query.like)
        now = Timestamp.at(self.clock.now())
        return [e for e in found if e.expiration_time is None or e.expiration_time > now]

    def _named(self, like: Endpoint) -> list[Endpoint]:
        for view in self.views.known.values():
            record = view.records.get(like.name)
            if record and is_like(record, like):
                return [record]
        return []
