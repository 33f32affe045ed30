"""Where a record's events start, and where later elements send theirs to start over."""

from nsm.api.registration import R
from nsm.elements.registry.lifetime import Lifetime, Lifetimes
from nsm.errors import Invalid
from nsm.sdk import Call, Clock, Registry, RegistryElement, Tasks


class BeginRegistration(RegistryElement[R]):
    """Give every record, by its name, a life of its own, lived one event at a time (W §2.2)."""

    def __init__(self, tasks: Tasks, clock: Clock) -> None:
        self.lifetimes: Lifetimes[R] = Lifetimes(tasks, clock)

    async def register(self, call: Call, record: R, next: Registry[R]) -> R:
        if call.begun:
            return await next.register(call, record)
        one = self._life(record, next)
        hushed = one.hush()  # what the caller says is newer than what we say of our own accord
        try:
            async with self.lifetimes.lanes.enter(one.name):
                return await self.lifetimes.of(one).register(call, record)
        except BaseException:
            if hushed:
                one.refresh_soon()
            raise

    async def unregister(self, call: Call, record: R, next: Registry[R]) -> None:
        if call.begun:
            await next.unregister(call, record)
            return
        one = self._life(record, next)
        one.hush()
        async with self.lifetimes.lanes.enter(one.name):
            await self.lifetimes.of(one).unregister(call, record)

    def _life(self, record: R, next: Registry[R]) -> Lifetime[R]:
        if not record.name:
            raise Invalid("a registration needs a name")
        known = self.lifetimes.known.get(record.name)
        return known or Lifetime(self.lifetimes, record.name, next)
