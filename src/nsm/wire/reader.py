"""What the reading of one message shares: how much may come, and what else it held."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from google.protobuf.message import Message

from nsm.errors import Invalid
from nsm.wire.unknown import unknown

MOST = 100_000
"""Messages within one message; four megabytes of empty ones would stand for two million."""

V = TypeVar("V")
M = TypeVar("M")
N = TypeVar("N")


class Reader:
    """Reads a message that holds nothing we do not know."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MOST

    def rest(self, message: Message) -> bytes:
        """Whatever `message` itself (not its parts) holds beyond the fields we know, encoded."""
        self.left -= 1
        if self.left < 0:
            raise Invalid(f"a message of more than {MOST} parts")
        return b""

    def many(self, read: Callable[[M, "Reader"], N], messages: Iterable[M]) -> tuple[N, ...]:
        """Each of the messages as a noun."""
        return tuple([read(message, self) for message in messages]) if messages else ()


class Keeper(Reader):
    """Reads a message of a newer peer, and keeps what we do not know."""

    __slots__ = ()

    def rest(self, message: Message) -> bytes:
        super().rest(message)
        return unknown(message)


def texts(values: Sequence[V]) -> tuple[V, ...]:
    """A repeated scalar field."""
    return tuple(values[:]) if values else ()


def mapping(values: Mapping[str, V]) -> dict[str, V]:
    """A map field, by its keys: upb's own order is another one in every process."""
    return {key: values[key] for key in sorted(values)} if values else {}
