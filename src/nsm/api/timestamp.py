"""A moment as the wire says it: seconds and nanoseconds since the epoch, kept to the last digit.

A `datetime` drops nanoseconds and ends with the year 9999; a peer's `expires` must go back to it
byte for byte.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BILLION = 1_000_000_000


@dataclass(frozen=True, slots=True, order=True)
class Timestamp:
    """A point in time; orders as time does when `nanos` is within 0..999,999,999."""

    seconds: int
    nanos: int = 0

    @classmethod
    def of(cls, when: datetime) -> Self:
        """The same moment; `when` must know its zone."""
        since = when - EPOCH
        return cls(since.days * 86400 + since.seconds, since.microseconds * 1000)

    @classmethod
    def at(cls, seconds: float) -> Self:
        """So many seconds after the epoch, to the microsecond."""
        micros = round(seconds * 1_000_000)
        return cls(micros // 1_000_000, micros % 1_000_000 * 1000)

    @property
    def time(self) -> float:
        """Seconds since the epoch, as precisely as a float can say."""
        return self.seconds + self.nanos / BILLION

    @property
    def datetime(self) -> datetime:
        """The moment, to the microsecond; OverflowError beyond the year 9999."""
        return EPOCH + timedelta(seconds=self.seconds, microseconds=self.nanos // 1000)
