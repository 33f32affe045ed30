"""Whether what was counted again and again grows: the last third against the second. Pure."""

from collections.abc import Iterator, Mapping, Sequence
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
    """How one count went: the median of each third, and what the last may be at most."""

    who: str
    kind: str
    medians: tuple[float, float, float]
    most: float

    @property
    def flat(self) -> bool:
        return self.medians[2] <= self.most


def courses(looks: Sequence[Counts]) -> Iterator[Course]:
    """Each count of whoever was there in every third; the first third is for warming up."""
    third = len(looks) // 3
    if not third:
        raise ValueError(f"{len(looks)} looks are too few to tell")
    parts = (looks[:third], looks[third : 2 * third], looks[2 * third :])
    for of in sorted({of for look in looks for of in look}):
        found = [[look[of] for look in part if of in look] for part in parts]
        if all(found):
            first, second, last = map(median, found)
            most = second + ALLOWED.get(of[1], OTHERS)
            yield Course(*of, (first, second, last), most)
