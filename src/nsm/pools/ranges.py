"""Sets of integers kept as ranges: a whole /64 costs as much as one address."""

from bisect import bisect_right
from collections.abc import Iterator

Range = tuple[int, int]
"""First and last, both within."""


class Ranges:
    """Integers, as sorted ranges that neither overlap nor touch."""

    def __init__(self, *ranges: Range) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for first, last in ranges:
            self.add(first, last)

    def __iter__(self) -> Iterator[Range]:
        return zip(self._firsts, self._lasts, strict=True)

    def __bool__(self) -> bool:
        return bool(self._firsts)

    def __len__(self) -> int:
        """How many ranges there are, which is what they cost."""
        return len(self._firsts)

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._firsts, number) - 1
        return at >= 0 and number <= self._lasts[at]

    def add(self, first: int, last: int) -> None:
        """Put all from `first` to `last` in; some may be there already."""
        start, end = self._touching(first - 1, last + 1)
        if start < end:
            first, last = min(first, self._firsts[start]), max(last, self._lasts[end - 1])
        self._firsts[start:end], self._lasts[start:end] = [first], [last]

    def remove(self, first: int, last: int) -> None:
        """Take all from `first` to `last` out; some may be gone already."""
        start, end = self._touching(first, last)
        if start == end:
            return
        kept = ((self._firsts[start], first - 1), (last + 1, self._lasts[end - 1]))
        left = [span for span in kept if span[0] <= span[1]]
        self._firsts[start:end] = [span[0] for span in left]
        self._lasts[start:end] = [span[1] for span in left]

    def lowest(self, without: "Ranges | None" = None) -> int | None:
        """The lowest number, of those not in `without`."""
        for first, last in self:
            number = without.beyond(first) if without else first
            if number <= last:
                return number
        return None

    def beyond(self, number: int) -> int:
        """`number`, or the first one after it that is not here."""
        at = bisect_right(self._firsts, number) - 1
        return max(number, self._lasts[at] + 1) if at >= 0 else number

    def _touching(self, first: int, last: int) -> tuple[int, int]:
        """Where the ranges that share a number with first..last start and end."""
        start = bisect_right(self._firsts, first) - 1
        if start < 0 or self._lasts[start] < first:
            start += 1
        return start, bisect_right(self._firsts, last)
