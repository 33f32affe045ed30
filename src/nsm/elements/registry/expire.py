"""Let go of endpoints that are not registered anew in time (W §2.2 expire)."""

from nsm.api.registration import Endpoint
from nsm.api.timestamp import Timestamp
from nsm.nouns import replace
from nsm.sdk import Alarm, Call, Clock, Registry, RegistryElement, Slot

LATE = 0.75
"""Of its time an endpoint has so much before it is unregistered, however long its registrant was
ready to wait: it registers again after two thirds."""


class Expire(RegistryElement[Endpoint]):
    """Give an endpoint no more time than the tokens of both sides are good for, nor than `default`.

    A smaller time, asked for or answered, is respected. The alarm rings early by the time the
    registrant was ready to wait, so that unregistering is done before the tokens have run out.
    `default` is in seconds; 0 is no bound.
    """

    def __init__(self, clock: Clock, default: float = 60.0) -> None:
        self.clock = clock
        self.default = default
        self.alarm = Slot[Alarm]()

    async def register(self, call: Call, record: Endpoint, next: Registry[Endpoint]) -> Endpoint:
        patience = 0.0 if call.deadline is None else call.deadline - self.clock.ticks()
        bounded = _no_later(record, self._latest(call))
        answer = _no_later(await next.register(call, bounded), bounded.expiration_time)
        self._disarm(call)
        if answer.expiration_time:
            self._arm(call, answer.expiration_time, patience)
        return answer

    async def unregister(self, call: Call, record: Endpoint, next: Registry[Endpoint]) -> None:
        await next.unregister(call, record)
        self._disarm(call)

    def _latest(self, call: Call) -> Timestamp | None:
        bounds = [call.token.expires] if call.token else []
        if self.default:
            bounds.append(Timestamp.at(self.clock.now() + self.default))
        return min(bounds, default=None)

    def _arm(self, call: Call, until: Timestamp, patience: float) -> None:
        left = until.time - self.clock.now()
        wait = max(left - max(patience, 0.0), left * LATE)
        self.alarm.put(call, self.clock.after(wait, call.life.close_soon))

    def _disarm(self, call: Call) -> None:
        if alarm := self.alarm.take(call):
            alarm.cancel()


def _no_later(endpoint: Endpoint, latest: Timestamp | None) -> Endpoint:
    if latest is None or (endpoint.expiration_time and endpoint.expiration_time <= latest):
        return endpoint
    return replace(endpoint, expiration_time=latest)
