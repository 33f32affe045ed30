"""Register an endpoint anew before it expires (W §2.2 refresh)."""

from nsm.api.registration import Endpoint
from nsm.sdk import Alarm, Call, Clock, Registry, RegistryElement, Slot

SOONEST = 0.2
"""Seconds between two registrations, however short-lived the answers are."""


class RefreshRegistration(RegistryElement[Endpoint]):
    """Register again when two thirds of the time to its expiry have passed.

    What fails, although it had succeeded before, is tried again while there is time.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.alarm = Slot[Alarm]()

    async def register(self, call: Call, record: Endpoint, next: Registry[Endpoint]) -> Endpoint:
        try:
            answer = await next.register(call, record)
        except BaseException:
            if isinstance(call.life.last, Endpoint):
                self._arm(call, call.life.last, 1 / 6)
            raise
        self._arm(call, answer, 2 / 3)
        return answer

    async def unregister(self, call: Call, record: Endpoint, next: Registry[Endpoint]) -> None:
        self._disarm(call)
        await next.unregister(call, record)

    def _arm(self, call: Call, answer: Endpoint, part: float) -> None:
        self._disarm(call)
        if until := answer.expiration_time:
            wait = max((until.time - self.clock.now()) * part, SOONEST)
            self.alarm.put(call, self.clock.after(wait, call.life.refresh_soon))

    def _disarm(self, call: Call) -> None:
        if alarm := self.alarm.take(call):
            alarm.cancel()
