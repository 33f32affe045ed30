"""What the writing of messages shares; nothing is touched for what is empty."""

from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from typing import Protocol, TypeVar

from google.protobuf.message import Message

from nsm.api.timestamp import Timestamp

K = TypeVar("K")
V = TypeVar("V")
M = TypeVar("M")
N = TypeVar("N")
V_contra = TypeVar("V_contra", contravariant=True)
M_co = TypeVar("M_co", covariant=True)


class Extensible(Protocol[V_contra]):
    """A repeated scalar field."""

    def extend(self, values: Iterable[V_contra], /) -> None: ...


class Addable(Protocol[M_co]):
    """A repeated message field."""

    def add(self) -> M_co: ...


class Moment(Protocol):
    """The wire's Timestamp."""

    seconds: int
    nanos: int


def extend(values: Sequence[V], onto: Extensible[V]) -> None:
    """Add the values of a repeated scalar field."""
    if values:
        onto.extend(values)


def each(nouns: Sequence[N], write: Callable[[N, M], None], onto: Addable[M]) -> None:
    """Add a message for each noun."""
    for noun in nouns:
        write(noun, onto.add())


def fill(values: Mapping[K, V], onto: MutableMapping[K, V]) -> None:
    """Set the entries of a map field."""
    for key, value in values.items():  # `update` would first find out what kind of values it got
        onto[key] = value


def keep(rest: bytes, onto: Message) -> None:
    """Put back what a newer peer sent and we did not know."""
    if rest:
        onto.MergeFromString(rest)


def write_timestamp(noun: Timestamp, onto: Moment) -> None:
    """Exactly these seconds and nanoseconds."""
    onto.seconds = noun.seconds
    onto.nanos = noun.nanos
