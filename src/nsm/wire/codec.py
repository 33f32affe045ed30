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
from nsm.wire.reader import Keeper, Reader

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
        try:
            message = self.message.FromString(data)
        except DecodeError:
            raise Invalid(f"{len(data)} bytes are no {self._name}") from None
        if _familiar(message, data):
            return self.read(message, Reader())
        return self.read(self.message.FromString(data), Keeper())

    @property
    def _name(self) -> str:
        return self.message.DESCRIPTOR.full_name


def _familiar(message: Message, data: bytes) -> bool:
    """Whether `message`, read from `data`, held nothing unknown; strips it of what was.

    Bytes may differ for the order of a map alone, so what decides is whether stripping shortens.
    """
    message.DiscardUnknownFields()
    known = message.SerializeToString()
    return known == data or len(known) == len(type(message).FromString(data).SerializeToString())
