"""Echoes as bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsm.elements.liveness.echo import answers, checksum, echo

TOKEN = b"sixteen bytes ok"


def test_the_checksum_is_the_one_of_rfc_1071() -> None:
    assert checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0xFFFF - 0xDDF2


@given(st.binary(max_size=64))
def test_a_message_with_its_checksum_sums_to_nothing(token: bytes) -> None:
    assert checksum(echo(4, 7, token + b"\0" * (len(token) % 2))) == 0


@pytest.mark.parametrize(("version", "request_type"), [(4, 8), (6, 128)])
def test_a_request_is_of_its_familys_type_and_carries_the_token(version, request_type) -> None:
    said = echo(version, 3, TOKEN)
    assert said[:2] == bytes([request_type, 0])
    assert said[6:] == b"\0\x03" + TOKEN


@pytest.mark.parametrize("version", [4, 6])
def test_only_the_reply_to_our_own_echo_counts(version: int) -> None:
    reply = bytes([{4: 0, 6: 129}[version]]) + echo(version, 1, TOKEN)[1:]
    assert answers(version, reply, TOKEN, with_header=False)
    assert not answers(version, echo(version, 1, TOKEN), TOKEN, with_header=False)
    assert not answers(version, reply, TOKEN[::-1], with_header=False)
    assert not answers(version, b"", TOKEN, with_header=False)
    assert not answers(version, b"", TOKEN, with_header=True)


def test_a_raw_ipv4_socket_shows_the_header_too() -> None:
    reply = b"\0" + echo(4, 1, TOKEN)[1:]
    header = b"\x46" + bytes(23)
    assert answers(4, header + reply, TOKEN, with_header=True)


@given(st.binary(max_size=128), st.booleans(), st.sampled_from([4, 6]))
def test_no_bytes_confuse_it(data: bytes, with_header: bool, version: int) -> None:
    assert not answers(version, data, b"a token nobody draws", with_header=with_header)
