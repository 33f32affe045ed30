"""What a registry said last, for when it cannot be asked."""

from dataclasses import replace
from typing import Generic

from nsm.api.registration import Answer, Endpoint, R
from nsm.api.timestamp import Timestamp
from nsm.elements.registry.catalog import Catalog
from nsm.sdk import Clock

MOST = 16_384
"""Records remembered; beyond that, the one not heard of for longest is forgotten."""


class Recollection(Generic[R]):
    """Records, each for `age` seconds from when the registry last said it.

    What is deleted, or left out of an answer that it would belong to, is forgotten at once.
    """

    def __init__(self, clock: Clock, age: float, most: int = MOST) -> None:
        self.clock = clock
        self.age = age
        self.most = most
        self._records: Catalog[R] = Catalog(most)
        self._said: dict[str, float] = {}  # when, by name; the longest ago first

    def __len__(self) -> int:
        return len(self._said)

    def hear(self, answer: Answer[R]) -> None:
        """The registry says so now."""
        name = answer.record.name
        self.forget(name)
        if answer.deleted or not self.age:
            return
        self._said[name] = self.clock.ticks()
        self._records.put(answer.record)
        if len(self) > self.most:
            self.forget(next(iter(self._said)))

    def forget(self, name: str) -> None:
        """It is not there any more."""
        self._said.pop(name, None)
        self._records.drop(name)

    def settle(self, wanted: R, told: set[str]) -> None:
        """These are all there are: others like this are gone."""
        for answer in self._records.like(wanted):
            if answer.record.name not in told:
                self.forget(answer.record.name)

    def like(self, wanted: R) -> list[Answer[R]]:
        """What would be answered, as far as it is remembered."""
        self._fade()
        return [
            replace(one, record=self._lasting(one.record)) for one in self._records.like(wanted)
        ]

    def _lasting(self, record: R) -> R:
        """An endpoint is good for as long as it is remembered: who keeps its time is away."""
        if not isinstance(record, Endpoint) or record.expiration_time is None:
            return record
        left = self._said[record.name] + self.age - self.clock.ticks()
        return replace(record, expiration_time=Timestamp.at(self.clock.now() + left))

    def _fade(self) -> None:
        since = self.clock.ticks() - self.age
        while self._said and next(iter(self._said.values())) <= since:
            self.forget(next(iter(self._said)))
