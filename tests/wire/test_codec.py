import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.wire import nouns
from tests.wire.filling import full

from nsm.api.connection import Connection, Path, Request, Segment
from nsm.api.labels import Labels
from nsm.api.registration import Endpoint
from nsm.errors import Invalid
from nsm.wire import decode, encode
from nsm.wire._gen import connection_pb2, networkservice_pb2
from nsm.wire.codec import MOST_STRANGE
from nsm.wire.nouns import CODECS, _kind
from nsm.wire.reader import MOST

KINDS = st.sampled_from(list(CODECS))


@given(nouns.nouns)
def test_what_was_written_is_read(noun: object) -> None:
    assert decode(_kind(noun), encode(noun)) == noun


@given(nouns.endpoint)
def test_the_rest_of_labels_is_read_too(noun: Endpoint) -> None:
    again = decode(Endpoint, encode(noun))
    assert [labels.rest for labels in again.network_service_labels.values()] == [
        noun.network_service_labels[key].rest for key in again.network_service_labels
    ]


@given(KINDS, st.binary(max_size=64))
def test_random_bytes_are_read_or_refused_as_invalid(kind: type, data: bytes) -> None:
    try:
        noun = decode(kind, data)
    except Invalid:
        return
    encode(noun)


@given(KINDS, st.data())
def test_damaged_bytes_are_read_or_refused_as_invalid(kind: type, draw: st.DataObject) -> None:
    data = bytearray(full(CODECS[kind].message()).SerializeToString() or b"\0")
    for _ in range(draw.draw(st.integers(1, 4))):
        data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    try:
        noun = decode(kind, bytes(data))
    except Invalid:
        return
    encode(noun)


def test_the_order_of_a_map_is_not_taken_for_something_unknown() -> None:
    entries = [b"\x2a\x06\x0a\x01" + key + b"\x12\x01v" for key in (b"a", b"b", b"c")]
    for order in itertools.permutations(entries):
        read = decode(Connection, b"".join(order))
        assert read == Connection(labels={"a": "v", "b": "v", "c": "v"})


def test_a_field_of_the_wrong_wire_type_is_kept_as_unknown() -> None:
    assert decode(Connection, b"\x08\x05").rest == b"\x08\x05"


def test_unknown_fields_of_one_segment_stay_with_that_segment() -> None:
    message = connection_pb2.Connection()
    for name in ("a", "b", "c"):
        message.path.path_segments.add(name=name)
    message.path.path_segments[1].MergeFromString(b"\xa0\x06\x07")
    read = decode(Connection, message.SerializeToString())
    assert [segment.rest for segment in read.hops.segments] == [b"", b"\xa0\x06\x07", b""]


def test_labels_keep_what_a_newer_peer_put_beside_them() -> None:
    noun = Endpoint(network_service_labels={"s": Labels({"k": "v"}, b"\x98\x06\x01")})
    assert decode(Endpoint, encode(noun)).network_service_labels["s"].rest == b"\x98\x06\x01"


def test_a_message_of_too_many_parts_is_refused() -> None:
    data = networkservice_pb2.NetworkServiceRequest().SerializeToString() + b"\x12\x00" * MOST
    with pytest.raises(Invalid, match="parts"):
        decode(Request, data)


def test_what_takes_long_to_read_is_refused_before_it_is_read() -> None:
    """Of a map each entry costs upb more than the last, of unknown fields each one costs much."""
    label = b"\x2a\x02\x0a\x00"
    assert decode(Connection, label * MOST).labels == {"": ""}
    with pytest.raises(Invalid, match="parts"):
        decode(Connection, label * (MOST + 1))
    unknown = b"\x78\x00" * (MOST_STRANGE // 2)
    assert decode(Connection, unknown).rest == unknown
    with pytest.raises(Invalid, match="we know of"):
        decode(Connection, unknown + b"\x78\x00")


@pytest.mark.parametrize(
    "noun",
    [
        Connection(id="\ud800"),
        Connection(path=Path(index=-1)),
        Connection(path=Path(index=1 << 32)),
        Connection(state=1 << 31),
        Connection(rest=b"\xff"),
    ],
)
def test_what_the_wire_cannot_hold_is_refused_as_invalid(noun: Connection) -> None:
    with pytest.raises(Invalid, match=r"connection\.Connection"):
        encode(noun)


def test_no_token_is_in_an_error_or_a_repr() -> None:
    segment = Segment(token="secret", id="\ud800")
    with pytest.raises(Invalid) as caught:
        encode(Connection(path=Path(segments=(segment,))))
    assert "secret" not in f"{caught.value} {segment!r}"


def test_text_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(Invalid):
        decode(Connection, b"\x0a\x01\xff")
