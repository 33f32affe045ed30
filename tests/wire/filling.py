"""Messages with every field set, for whatever the descriptors say there is."""

import itertools
from collections.abc import Iterator

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

TEXT = {FieldDescriptor.CPPTYPE_STRING}
STRUCT = "google.protobuf.Struct"


def full(message: Message, counter: Iterator[int] | None = None) -> Message:
    """`message` with every field set, each to a value of its own."""
    counter = counter or itertools.count(1)
    for field in message.DESCRIPTOR.fields:
        _fill(message, field, counter)
    return message


def _fill(message: Message, field: FieldDescriptor, counter: Iterator[int]) -> None:
    here = getattr(message, field.name)
    if is_map(field):
        _fill_map(here, field.message_type.fields_by_name["value"], counter)
    elif field.message_type and field.message_type.full_name == STRUCT:
        here.update(
            {"sub": "spiffe://a/b", "aud": ["x", "y"], "deep": {"flag": True, "none": None}}
        )
    elif field.message_type and field.is_repeated:
        full(here.add(), counter)
        full(here.add(), counter)
    elif field.message_type:
        full(here, counter)
    elif field.is_repeated:
        here.extend((_scalar(field, counter), _scalar(field, counter)))
    else:
        setattr(message, field.name, _scalar(field, counter))


def _fill_map(here: object, value: FieldDescriptor, counter: Iterator[int]) -> None:
    for _ in range(2):
        key = f"key-{next(counter)}"
        if value.message_type:
            full(here[key], counter)  # type: ignore[index]
        else:
            here[key] = _scalar(value, counter)  # type: ignore[index]


def _scalar(field: FieldDescriptor, counter: Iterator[int]) -> object:
    number = next(counter)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return f"bytes-{number}".encode()
    if field.type == FieldDescriptor.TYPE_STRING:
        return f"text-{number}"
    if field.type == FieldDescriptor.TYPE_BOOL:
        return True
    return number + 100


def is_map(field: FieldDescriptor) -> bool:
    """Whether the field is a map."""
    return bool(field.message_type and field.message_type.GetOptions().map_entry)


def parts(message: Message) -> Iterator[Message]:
    """`message` and every message within it, but those inside google's own."""
    yield message
    for field, value in message.ListFields():
        if not field.message_type or field.message_type.file.package == "google.protobuf":
            continue
        if is_map(field):
            if field.message_type.fields_by_name["value"].message_type:
                for item in value.values():
                    yield from parts(item)
        else:
            for item in value if field.is_repeated else (value,):
                yield from parts(item)


def kinds(descriptor: Descriptor) -> set[str]:
    """The full names of the message and of every message it may hold."""
    return {part.DESCRIPTOR.full_name for part in parts(full(GetMessageClass(descriptor)()))}
