"""Pings are put together right, and only their own answers count."""

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsm.errors import NotFound
from nsm.world.ping import Course, checksum, echo_request, is_reply, ping


def test_the_checksum_is_the_internets() -> None:
    data = bytes.fromhex("0001f203f4f5f6f7")  # the example of RFC 1071
    assert checksum(data) == 0xFFFF - 0xDDF2


@given(st.binary(max_size=200).filter(lambda data: len(data) % 2 == 0))
def test_a_packet_that_holds_its_checksum_sums_to_nothing(data: bytes) -> None:
    assert checksum(data + struct.pack("!H", checksum(data))) == 0


def test_a_request_carries_who_asks_and_which_it_is() -> None:
    packet = echo_request(4, 7, 9)
    assert struct.unpack("!BBHHH", packet[:8])[0::3] == (8, 7)
    assert checksum(packet) == 0
    assert echo_request(6, 7, 9)[0] == 128


@given(st.sampled_from([4, 6]), st.integers(0, 65535), st.integers(0, 65535))
def test_only_the_answer_to_it_answers_a_request(version: int, id: int, sequence: int) -> None:
    answer = bytes([129 if version == 6 else 0]) + echo_request(version, id, sequence)[1:]
    assert is_reply(answer, version, id, sequence)
    assert not is_reply(answer, version, id ^ 1, sequence)
    assert not is_reply(answer, version, id, sequence ^ 1)
    assert not is_reply(echo_request(version, id, sequence), version, id, sequence)
    assert not is_reply(answer[:4], version, id, sequence)


@pytest.mark.linux
def test_an_interface_that_is_not_there_is_said_to_be_missing() -> None:
    course = Course(netns=Path("/proc/self/ns/net"), address="127.0.0.1", interface="nsm-none")
    with pytest.raises(NotFound, match="no interface nsm-none here"):
        next(ping(course))
