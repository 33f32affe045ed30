"""The descriptors are walked: what is not mapped, or mapped to the wrong name, fails here."""

from collections.abc import Mapping

import pytest
from google.protobuf.message import Message
from tests.wire.filling import full, is_map, kinds, parts

from nsm.api.context import ExtraPrefixRequest
from nsm.api.labels import Labels
from nsm.api.timestamp import Timestamp
from nsm.wire._gen import (
    connection_pb2,
    connectioncontext_pb2,
    health_pb2,
    ipam_pb2,
    networkservice_pb2,
    registry_pb2,
    workload_pb2,
)
from nsm.wire.codec import Codec
from nsm.wire.nouns import CODECS

FILES = (
    connection_pb2,
    connectioncontext_pb2,
    health_pb2,
    ipam_pb2,
    networkservice_pb2,
    registry_pb2,
    workload_pb2,
)
EVERY = [pytest.param(codec, id=codec.message.DESCRIPTOR.full_name) for codec in CODECS.values()]
RENAMED = {
    "MTU": "mtu",
    "addr_family": "family",
    "from": "from_",
    "mechanism_preferences": "preferences",
    "network_service_endpoint_name": "endpoint",
    "nextHop": "next_hop",
    "path_segments": "segments",
}
WRAPPED = {
    "NetworkServiceQuery": {"network_service": "like"},
    "NetworkServiceEndpointQuery": {"network_service_endpoint": "like"},
    "NetworkServiceResponse": {"network_service": "record"},
    "NetworkServiceEndpointResponse": {"network_service_endpoint": "record"},
    "MonitorScopeSelector": {"path_segments": "path_segments"},
}
EXTRA = (
    b"\xa2\x06\x05hello\xa8\x06\x07\xb5\x06\x01\x02\x03\x04\xb9\x06\x01\x02\x03\x04\x05\x06\x07\x08"
)
GROUP = b"\xc3\x06\xa8\x06\x09\xc4\x06"
WITHOUT_REST = {"grpc.health.v1", "", "google.protobuf"}


def test_every_message_of_the_wire_belongs_to_a_noun() -> None:
    defined = {
        message.full_name
        for file in FILES
        for message in file.DESCRIPTOR.message_types_by_name.values()
    }
    reached = set().union(*(kinds(codec.message.DESCRIPTOR) for codec in CODECS.values()))
    assert defined <= reached


@pytest.mark.parametrize("codec", EVERY)
def test_every_field_comes_back(codec: Codec) -> None:
    message = full(codec.message())
    again = codec.message.FromString(codec.encode(codec.decode(message.SerializeToString())))
    assert again.SerializeToString(deterministic=True) == message.SerializeToString(
        deterministic=True
    )


@pytest.mark.parametrize("codec", EVERY)
def test_every_field_is_found_under_its_own_name(codec: Codec) -> None:
    message = full(codec.message())
    assert_says(codec.decode(message.SerializeToString()), message)


@pytest.mark.parametrize("codec", EVERY)
def test_an_empty_message_comes_back_empty(codec: Codec) -> None:
    assert codec.encode(codec.decode(b"")) in (b"", REQUEST_OF_NOTHING.get(codec.message, b""))


REQUEST_OF_NOTHING = {
    networkservice_pb2.NetworkServiceRequest: b"\x0a\x00",
    registry_pb2.NetworkServiceQuery: b"\x0a\x00",
    registry_pb2.NetworkServiceResponse: b"\x0a\x00",
    registry_pb2.NetworkServiceEndpointQuery: b"\x0a\x00",
    registry_pb2.NetworkServiceEndpointResponse: b"\x0a\x00",
}
"""Where the part is the point of the message it is always there."""


@pytest.mark.parametrize("codec", EVERY)
@pytest.mark.parametrize("extra", [EXTRA, GROUP], ids=["fields", "group"])
def test_unknown_fields_survive_at_every_level(codec: Codec, extra: bytes) -> None:
    if codec.message.DESCRIPTOR.file.package in WITHOUT_REST:
        return
    for at in range(len(list(parts(full(codec.message()))))):
        message = full(codec.message())
        part = list(parts(message))[at]
        if part.DESCRIPTOR.full_name == "connectioncontext.IpFamily":
            continue
        part.MergeFromString(extra)
        again = codec.message.FromString(codec.encode(codec.decode(message.SerializeToString())))
        assert again.SerializeToString(deterministic=True) == message.SerializeToString(
            deterministic=True
        ), part.DESCRIPTOR.full_name


@pytest.mark.parametrize("codec", EVERY)
def test_a_part_that_is_present_but_empty_stays_present(codec: Codec) -> None:
    for field in codec.message.DESCRIPTOR.fields:
        if field.message_type and not field.is_repeated:
            message = codec.message()
            getattr(message, field.name).SetInParent()
            again = codec.message.FromString(
                codec.encode(codec.decode(message.SerializeToString()))
            )
            assert again.HasField(field.name), field.name


def assert_says(noun: object, message: Message) -> None:
    """`noun` holds, under the right names, what `message` holds."""
    if isinstance(noun, Labels):
        assert noun == dict(message.labels)  # type: ignore[attr-defined]
        return
    names = RENAMED | WRAPPED.get(message.DESCRIPTOR.name, {})
    for field, value in message.ListFields():
        here = getattr(noun, names.get(field.name, field.name))
        if is_map(field):
            assert set(here) == set(value)
            for key in value:
                assert_equal(here[key], value[key])
        elif field.is_repeated:
            assert len(here) == len(value)
            for mine, theirs in zip(here, value, strict=True):
                assert_equal(mine, theirs)
        elif isinstance(noun, ExtraPrefixRequest) and field.name == "addr_family":
            assert here == value.family
        else:
            assert_equal(here, value)


def assert_equal(mine: object, theirs: object) -> None:
    if isinstance(mine, Timestamp):
        assert (mine.seconds, mine.nanos) == (theirs.seconds, theirs.nanos)  # type: ignore[attr-defined]
    elif isinstance(mine, Mapping) and not isinstance(mine, Labels):
        assert mine["sub"] == "spiffe://a/b"
        assert mine["deep"] == {"flag": True, "none": None}
    elif isinstance(theirs, Message):
        assert_says(mine, theirs)
    else:
        assert mine == theirs
