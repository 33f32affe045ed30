"""Fields of a newer peer, as the bytes they came as: what upb only shows taken apart."""

import struct

from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet

VARINT, FIXED64, DELIMITED, GROUP, GROUP_END, FIXED32 = range(6)
"""How a field's payload is written; its number and this make the tag."""


def unknown(message: Message) -> bytes:
    """What `message` itself, not its parts, holds beyond the fields we know."""
    return _encoded(UnknownFieldSet(message))


def varint(number: int) -> bytes:
    """An unsigned integer, seven bits a byte, the lowest first."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def tag(number: int, wire_type: int) -> bytes:
    """What stands before a field's payload."""
    return varint(number << 3 | wire_type)


def _encoded(fields: UnknownFieldSet) -> bytes:
    return b"".join(
        tag(field.field_number, field.wire_type)
        + _payload(field.field_number, field.wire_type, field.data)
        for field in map(fields.__getitem__, range(len(fields)))
    )


def _payload(number: int, wire_type: int, data: int | bytes | UnknownFieldSet) -> bytes:
    if isinstance(data, UnknownFieldSet):
        return _encoded(data) + tag(number, GROUP_END)
    if isinstance(data, bytes):
        return varint(len(data)) + data
    if wire_type == VARINT:
        return varint(data)
    return struct.pack("<Q" if wire_type == FIXED64 else "<I", data)
