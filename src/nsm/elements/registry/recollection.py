"""What a registry said last, for when it cannot be asked."""

from typing import Generic

from nsm.api.registration import Answer, Endpoint, R
from nsm.api.timestamp import Timestamp
from nsm.elements.registry.catalog import Catalog, is_foreign
from nsm.nouns import replace
from nsm.sdk import Clock

NEW = 15.0
"""Seconds a registry that has come back is given to hear again of what it knew."""
MOST = 16_384
"""Records remembered; beyond that, the one not heard of for longest is forgotten."""


class Recollection(Generic[R]):
    """Records, each for `age` seconds from when the registry last said it.

    What is deleted, or left out of an answer that it would belong to, is forgotten at once; but a
    registry that was lost and has only come back may leave out what it is still to hear again.
    """

    def __init__(self, clock: Clock, age: float, most: int = MOST) -> None:
        self.clock = clock
        self.age = age
        self.most = most
        self._records: Catalog[R] = Catalog(most)
        self._said: dict[str, float] = {}  # when, by name; the longest ago first
        self._lost, self._new_until = False, float("-inf")

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

    def lose(self) -> None:
        """The registry is gone, and may come back with nothing."""
        self._lost = True

    def settle(self, wanted: R, told: set[str]) -> list[Answer[R]]:
        """These are all there are: others like this are gone, unless they are returned."""
        rest = [one for one in self.like(wanted) if one.record.name not in told]
        if self._is_new(wanted):
            return rest
        for answer in rest:
            self.forget(answer.record.name)
        return []

    def like(self, wanted: R) -> list[Answer[R]]:
        """What would be answered, as far as it is remembered."""
        self._fade()
        return [
            replace(one, record=self._lasting(one.record)) for one in self._records.like(wanted)
        ]

    def _is_new(self, wanted: R) -> bool:
        """Whether the registry answers again, and has not for long; other domains have others."""
        if is_foreign(wanted):
            return False
        if self._lost:
            self._lost, self._new_until = False, self.clock.ticks() + NEW
        return self.clock.ticks() < self._new_until

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
