"""Keep records on the disk as well, so that they and their owners outlive this program."""

from functools import partial

from nsm.api.registration import Endpoint, R
from nsm.elements.registry.remember import MOST, Remember
from nsm.errors import NsmError
from nsm.identity import evidence
from nsm.sdk import Call, Clock, Registry, RegistryElement, Tasks
from nsm.store import Kept, Shelf
from nsm.store.shelf import until_of


class StoreRecords(Remember[R], RegistryElement[R]):
    """What is answered for is on the disk; everyone who asks is served from memory.

    Memory follows the disk: where that fails nothing has changed in either, and the registrant is
    told. But what would expire anyway goes from memory when it must, and from the disk by its time.
    What stood when this program started stands until its time is over or it is registered anew.
    """

    def __init__(
        self,
        shelf: Shelf[R],
        tasks: Tasks,
        clock: Clock,
        records: int = MOST,
        watchers: int = MOST,
    ) -> None:
        super().__init__(records, watchers)
        self.shelf: Shelf[R] = shelf
        self.tasks: Tasks = tasks
        self.kept = shelf.loaded
        for kept in self.kept:
            self.catalog.put(kept.record)
            if until := until_of(kept.record):
                clock.at(until, partial(self._lapse_soon, kept.record))

    async def register(self, call: Call, record: R, next: Registry[R]) -> R:
        self.catalog.admit(record.name)
        kept: R = await next.register(call, record)
        owner = evidence.registrant(call.tokens)
        new = Kept(kept, owner, evidence.comes_itself(call.tokens))
        await self.shelf.put(new, lambda: self._keep(kept))
        return kept

    async def unregister(self, call: Call, record: R, next: Registry[R]) -> None:
        await next.unregister(call, record)
        if record.name not in self.catalog:
            return
        try:
            await self.shelf.drop(record.name, lambda: self._forget(record.name))
        except NsmError:
            if isinstance(record, Endpoint):
                self._forget(record.name)
            raise

    def _keep(self, record: R) -> None:
        self.watchers.tell(self.catalog.put(record))

    def _forget(self, name: str) -> None:
        if gone := self.catalog.drop(name):
            self.watchers.tell(gone)

    def _lapse_soon(self, record: R) -> None:
        if self.catalog.holds(record):
            self.tasks.start(f"expire {record.name}", self._lapse(record))

    async def _lapse(self, record: R) -> None:
        def gone() -> None:
            if self.catalog.holds(record):
                self._forget(record.name)

        try:
            await self.shelf.lapse(record.name, gone)
        finally:
            gone()
