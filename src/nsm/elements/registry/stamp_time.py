"""Say since when an endpoint is known."""

from nsm.api.registration import Endpoint
from nsm.api.timestamp import Timestamp
from nsm.nouns import replace
from nsm.sdk import Call, Clock, Registry, RegistryElement, Slot


class StampTime(RegistryElement[Endpoint]):
    """Stamp the first registration with the time it gave, or now, and every later one with that."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.first = Slot[Timestamp]()

    async def register(self, call: Call, record: Endpoint, next: Registry[Endpoint]) -> Endpoint:
        since = self.first.get(call) or record.initial_registration_time
        since = since or Timestamp.at(self.clock.now())
        self.first.put(call, since)
        return await next.register(call, replace(record, initial_registration_time=since))
