"""Free numbers: tunnel identifiers, routing tables, ports."""

from collections.abc import Iterable

from nsm.errors import Exhausted
from nsm.pools.ranges import Ranges


class NumberPool:
    """Hands out the lowest free number of `numbers`, which may go in steps; `without` never."""

    def __init__(self, numbers: range, without: Iterable[int] = ()) -> None:
        self._numbers = numbers
        self._free = Ranges((0, len(numbers) - 1)) if numbers else Ranges()
        self._held: set[int] = set()
        for number in without:
            if number in numbers:
                at = numbers.index(number)
                self._free.remove(at, at)

    def __len__(self) -> int:
        """How many are handed out."""
        return len(self._held)

    def __contains__(self, number: int) -> bool:
        """Whether the number is handed out."""
        return number in self._held

    def take(self) -> int:
        """The lowest free number."""
        at = self._free.lowest()
        if at is None:
            raise Exhausted(f"no number left, {len(self._held)} are in use")
        return self._hold(at)

    def claim(self, number: int) -> bool:
        """Take this very number; False where it is not free."""
        if number not in self._numbers or self._numbers.index(number) not in self._free:
            return False
        self._hold(self._numbers.index(number))
        return True

    def give_back(self, number: int) -> None:
        """Let others have it; what was not handed out is ignored."""
        if number in self._held:
            self._held.remove(number)
            at = self._numbers.index(number)
            self._free.add(at, at)

    def _hold(self, at: int) -> int:
        self._free.remove(at, at)
        self._held.add(self._numbers[at])
        return self._numbers[at]
