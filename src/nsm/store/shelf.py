"""One kind of records in a store: nouns in, nouns out."""

import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol

from nsm.api.registration import Endpoint, R
from nsm.errors import Invalid
from nsm.sdk import Clock
from nsm.store.file import Change, Drop, Put, Row
from nsm.wire import decode, encode

log = logging.getLogger(__name__)

Write = Callable[[Change, Callable[[], None]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Kept(Generic[R]):
    """A record, and whose its name is (empty: nobody's), `proven` if by the owner's certificate."""

    record: R
    owner: str
    proven: bool = False


class Shelf(Generic[R]):
    """What stood when the store was opened (`loaded`), and the way to change what stands.

    `then` is called when a change lasts, before anyone is told of a later one.
    """

    def __init__(self, kind: type[R], rows: Sequence[Row], write: Write, clock: Clock) -> None:
        self.kind: type[R] = kind
        self.loaded: tuple[Kept[R], ...] = tuple(_read(kind, rows))
        self._write = write
        self._clock = clock

    async def put(self, new: Kept[R], then: Callable[[], None]) -> None:
        """Keep a record; its name stays whose it is. Exhausted when the disk is full.

        Nothing has changed where this fails.
        """
        change = Put(
            kind=self.kind.__name__,
            name=new.record.name,
            owner=new.owner,
            proven=new.proven,
            until=until_of(new.record),
            record=encode(new.record),
            now=self._clock.now(),
        )
        await self._write(change, then)

    async def drop(self, name: str, then: Callable[[], None]) -> None:
        """Forget a record, and whose its name is."""
        await self._write(Drop(kind=self.kind.__name__, name=name), then)

    async def lapse(self, name: str, then: Callable[[], None]) -> None:
        """Forget a record unless it has been kept anew, for longer."""
        now = self._clock.now()
        await self._write(Drop(kind=self.kind.__name__, name=name, lapsed=now), then)


class Shelves(Protocol):
    """Whatever has a shelf for each kind of records: a store, or what stands for one."""

    def shelf(self, kind: type[R]) -> Shelf[R]:
        """The records of one kind; to be asked for once, at the start."""
        ...


def until_of(record: R) -> float | None:
    """When a record's time is over (epoch); None for one that has no end."""
    expiry = record.expiration_time if isinstance(record, Endpoint) else None
    return expiry.time if expiry else None


def _read(kind: type[R], rows: Sequence[Row]) -> Iterator[Kept[R]]:
    for _, name, owner, proven, data in rows:
        try:
            record = decode(kind, data)
        except (Invalid, TypeError) as error:
            log.error("the %s %r cannot be read and is left out: %s", kind.__name__, name, error)
            continue
        if record.name == name and isinstance(owner, str):
            yield Kept(record, owner, bool(proven))
        else:
            log.error("the %s %r is kept under another's name: left out", kind.__name__, name)
