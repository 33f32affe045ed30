"""One noun's way to bytes and back.

Kept, to be sent on: fields we do not know (in `rest`, at every level), the presence of parts, enum
numbers we do not know, and moments to the nanosecond. A message that holds nothing unknown, the
usual case, is not searched for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from google.protobuf.message import DecodeError, Message

from nsm.errors import Invalid
from nsm.wire.reader import MOST, Keeper, Reader

FIRST_FIELD = b"\x0a"
"""The tag of every map entry's key: counted, because reading a map of 300 000 takes a second."""
MOST_STRANGE = 65_536
"""Bytes of a newer peer that are kept: upb takes a second to show two million single fields."""

M = TypeVar("M", bound=Message)
N = TypeVar("N")


@dataclass(frozen=True, slots=True)
class Codec(Generic[N, M]):
    """A noun's message, and the way there and back."""

    message: type[M]
    read: Callable[[M, Reader], N]
    write: Callable[[N, M], None]

    def encode(self, noun: N) -> bytes:
        """The noun as bytes; Invalid where it holds what the wire cannot say."""
        message = self.message()
        try:
            self.write(noun, message)
            return message.SerializeToString()
        except (TypeError, ValueError, DecodeError) as error:
            raise Invalid(f"{self._name} cannot hold this: {type(error).__name__}") from error

    def decode(self, data: bytes) -> N:
        """The noun that the bytes say; Invalid where they say none."""
        if data.count(FIRST_FIELD) > MOST:
            raise Invalid(f"a message of more than {MOST} parts")
        try:
            message = self.message.FromString(data)
        except DecodeError:
            raise Invalid(f"{len(data)} bytes are no {self._name}") from None
        strange = _strange(message, data)
        if not strange:
            return self.read(message, Reader())
        if strange > MOST_STRANGE:
            raise Invalid(f"{strange} bytes that no {self._name} we know of holds")
        return self.read(self.message.FromString(data), Keeper())

    @property
    def _name(self) -> str:
        return self.message.DESCRIPTOR.full_name


def _strange(message: Message, data: bytes) -> int:
    """How many bytes of what `message` was read from it does not know; strips it of them.

    Bytes may differ for the order of a map alone: what counts is by how much stripping shortens.
    """
    message.DiscardUnknownFields()
    known = message.SerializeToString()
    if known == data:
        return 0
    return len(type(message).FromString(data).SerializeToString()) - len(known)
