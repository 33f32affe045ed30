"""What prefixes many occupy, and which of them are in the way of one."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from nsm.pools.prefixes import Prefixes


@dataclass(frozen=True, slots=True)
class _Use:
    group: int | None
    prefixes: frozenset[str]


class Occupied:
    """Prefixes by who occupies them; those of one of so many groups may overlap each other's.

    What is in the way of one costs the same to know, however many there are.
    """

    def __init__(self, groups: int = 0) -> None:
        self._uses: dict[str, _Use] = {}
        self._in_the_way: dict[int | None, Prefixes] = {
            group: Prefixes() for group in (None, *range(groups))
        }

    def __iter__(self) -> Iterator[str]:
        """Who occupies any."""
        return iter(list(self._uses))

    def occupy(self, who: str, group: int | None, prefixes: Collection[str]) -> None:
        """From now on these are theirs, and no others."""
        self.leave(who)
        use = self._uses[who] = _Use(group, frozenset(prefixes))
        for of, prefixes_of_others in self._in_the_way.items():
            if _matters(use, of):
                prefixes_of_others.add(use.prefixes)

    def leave(self, who: str) -> None:
        """Nothing is theirs any more."""
        if use := self._uses.pop(who, None):
            for of, prefixes_of_others in self._in_the_way.items():
                if _matters(use, of):
                    prefixes_of_others.remove(use.prefixes)

    @contextmanager
    def others(self, who: str, group: int | None) -> Iterator[Prefixes]:
        """What is in their way, as one of that group; theirs is out of it until the block ends."""
        own = self._uses.get(who)
        with self._in_the_way[group].without(own.prefixes if own and _matters(own, group) else ()):
            yield self._in_the_way[group]


def _matters(use: _Use, group: int | None) -> bool:
    """Whether it is in the way of those of that group."""
    return group is None or group != use.group
