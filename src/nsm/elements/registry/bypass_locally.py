"""Reach the node's own endpoints directly, while the world comes through the manager (W §2.2)."""

from collections.abc import AsyncIterator

from nsm.api.registration import Answer, Endpoint, Query
from nsm.elements.registry.matching import is_like
from nsm.errors import Invalid
from nsm.nouns import replace
from nsm.sdk import Call, Registry, RegistryElement
from nsm.sdk.streams import reading


class BypassLocally(RegistryElement[Endpoint]):
    """Register endpoints under the manager's URL; show those registered here under their own.

    A record under the manager's URL that was not registered here is left over from an earlier life
    of this manager: nobody is led there until its endpoint registers again. So who asks for those
    under the manager's URL, or for one by its name, hears what was registered here, and the
    registry need not be asked.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.own: dict[str, str] = {}
        self.registered: dict[str, Endpoint] = {}

    async def register(self, call: Call, record: Endpoint, next: Registry[Endpoint]) -> Endpoint:
        if not record.url:
            raise Invalid(f"endpoint {record.name} says not where it listens", fix="set its url")
        before = self.own.get(record.name)
        self.own[record.name] = record.url  # whoever finds it while it registers wants it too
        try:
            answer = await next.register(call, replace(record, url=self.url))
        except BaseException:
            self._back_to(record.name, before)
            raise
        self.registered[record.name] = answer
        return replace(answer, url=record.url)

    async def find(
        self, call: Call, query: Query[Endpoint], next: Registry[Endpoint]
    ) -> AsyncIterator[Answer[Endpoint]]:
        if self._can_tell(query):
            for answer in self._ours(query.like):
                yield answer
            return
        async with reading(next.find(call, query)) as answers:
            async for answer in answers:
                if shown := self._shown(answer):
                    yield shown

    async def unregister(self, call: Call, record: Endpoint, next: Registry[Endpoint]) -> None:
        """Only what was registered here; gone from here even if it cannot be taken back there."""
        if record.name not in self.own:
            return
        try:
            await next.unregister(call, replace(record, url=self.url))
        finally:
            self.own.pop(record.name, None)
            self.registered.pop(record.name, None)

    def _can_tell(self, query: Query[Endpoint]) -> bool:
        ours = query.like.url == self.url or query.like.name in self.registered
        return ours and not query.watch

    def _ours(self, wanted: Endpoint) -> list[Answer[Endpoint]]:
        found = [record for record in self.registered.values() if is_like(record, wanted)]
        return [Answer(replace(record, url=self.own[record.name])) for record in found]

    def _shown(self, answer: Answer[Endpoint]) -> Answer[Endpoint] | None:
        if own := self.own.get(answer.record.name):
            return replace(answer, record=replace(answer.record, url=own))
        left_over = answer.record.url == self.url and not answer.deleted
        return None if left_over else answer

    def _back_to(self, name: str, before: str | None) -> None:
        if before is None:
            self.own.pop(name, None)
        else:
            self.own[name] = before
