"""Keep records in memory, and tell who watches (W §1.9)."""

from collections.abc import AsyncIterator

from nsm.api.registration import Answer, Query, R
from nsm.elements.registry.catalog import Catalog
from nsm.elements.registry.watchers import Watchers
from nsm.sdk import Call, Registry, RegistryElement
from nsm.sdk.streams import reading
from nsm.store import Kept

MOST = 100_000


class Remember(RegistryElement[R]):
    """The store: what the rest of the chain has agreed to is kept until it is unregistered.

    `records` and `watchers` bound how many there may be, `backlog` the events that wait for a
    watcher that reads slower than things happen. `kept` is what stood before this program started.
    """

    kept: tuple[Kept[R], ...] = ()

    def __init__(self, records: int = MOST, watchers: int = MOST, backlog: int = MOST) -> None:
        self.catalog: Catalog[R] = Catalog(records)
        self.watchers: Watchers[R] = Watchers(watchers, backlog)

    async def register(self, call: Call, record: R, next: Registry[R]) -> R:
        self.catalog.admit(record.name)
        kept = await next.register(call, record)
        self.watchers.tell(self.catalog.put(kept))
        return kept

    async def find(
        self, call: Call, query: Query[R], next: Registry[R]
    ) -> AsyncIterator[Answer[R]]:
        """What is kept; then what changes, where the query watches, or what `next` finds."""
        if query.watch:
            watcher = self.watchers.join(query.like, self.catalog.like(query.like))
            try:
                while True:
                    for answer in await watcher.due():
                        yield answer
            finally:
                self.watchers.leave(watcher)
        for answer in self.catalog.like(query.like):
            yield answer
        async with reading(next.find(call, query)) as more:
            async for answer in more:
                yield answer

    async def unregister(self, call: Call, record: R, next: Registry[R]) -> None:
        await next.unregister(call, record)
        if gone := self.catalog.drop(record.name):
            self.watchers.tell(gone)
