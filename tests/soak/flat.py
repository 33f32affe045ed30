"""Whether what was counted again and again grows: the last third against those before. Pure.

What is counted one by one sways: with calls under way, with sockets to whoever was just killed. By
chance a median sways by more than is allowed in one run of five, though nothing grows. But what is
kept for good is there at every look: it raises the floor, too, and above both thirds before.
Memory does not sway so, and is held against the second third alone.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

MEMORY, DESCRIPTORS, TASKS, TIMERS = "memory, MB", "descriptors", "tasks", "timers"
LIVES, CONNECTIONS = "lives", "connections"
INTERFACES, ENTRIES = "interfaces", "registry entries"
KINDS = (MEMORY, DESCRIPTORS, TASKS, TIMERS, LIVES, CONNECTIONS, INTERFACES, ENTRIES)
ALLOWED = {MEMORY: 1.0}
"""What a median may be more than the one before: allocators keep a little of what was freed."""
OTHERS = 2.0
"""The same for all that is counted one by one: a look may fall into the middle of something."""

Of = tuple[str, str]
"""Whose, and of which kind."""
Counts = Mapping[Of, float]


@dataclass(frozen=True, slots=True)
class Course:
    """How one count went: the median of each third, and what a quarter of it was below."""

    who: str
    kind: str
    medians: tuple[float, float, float]
    floors: tuple[float, float, float]

    @property
    def most(self) -> float:
        """What the last median may be."""
        return self._bound(self.medians)

    @property
    def flat(self) -> bool:
        sways = self.kind not in ALLOWED and self.floors[2] <= self._bound(self.floors)
        return sways or self.medians[2] <= self.most

    def _bound(self, thirds: tuple[float, float, float]) -> float:
        first, second, _ = thirds
        if self.kind in ALLOWED:
            return second + ALLOWED[self.kind]
        return max(first, second) + OTHERS


def courses(looks: Sequence[Counts]) -> Iterator[Course]:
    """Each count of whoever was there in every third; the first third is for warming up."""
    third = len(looks) // 3
    if not third:
        raise ValueError(f"{len(looks)} looks are too few to tell")
    parts = (looks[:third], looks[third : 2 * third], looks[2 * third :])
    for of in sorted({of for look in looks for of in look}):
        found = [[look[of] for look in part if of in look] for part in parts]
        if all(found):
            yield Course(*of, _each(median, found), _each(_floor, found))


def _each(
    of: Callable[[list[float]], float], found: list[list[float]]
) -> tuple[float, float, float]:
    first, second, last = map(of, found)
    return first, second, last


def _floor(values: list[float]) -> float:
    return sorted(values)[len(values) // 4]
