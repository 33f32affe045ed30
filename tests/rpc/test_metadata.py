"""Headers of ours, read from peers that mean well and ill."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsm.api.timestamp import Timestamp
from nsm.errors import Invalid
from nsm.rpc.metadata import (
    gathered,
    path_header,
    path_in,
    timeout_header,
    timeout_in,
    token_headers,
    token_in,
)
from nsm.sdk.call import Token, TokenPath

TOKEN = Token("a.b.c", Timestamp(1_800_000_000, 123_456_789))


def test_a_token_survives_to_the_nanosecond():
    assert token_in(gathered(token_headers(TOKEN))) == TOKEN


@pytest.mark.parametrize(
    "headers",
    [
        [],
        token_headers(TOKEN)[:1],
        token_headers(TOKEN)[1:],
        token_headers(TOKEN) * 2,
        [*token_headers(TOKEN), token_headers(TOKEN)[0]],
        [("nsm-client-token", "a"), ("nsm-client-token-expires", "tomorrow")],
    ],
)
def test_a_token_that_is_not_there_once_and_whole_is_none(headers):
    assert token_in(gathered(headers)) is None


def test_no_token_is_told_to_the_log(caplog):
    token_in(gathered(token_headers(TOKEN) * 2))
    assert "ignored" in caplog.text
    assert TOKEN.text not in caplog.text


def test_the_last_path_counts_and_none_is_empty():
    sent = [path_header(TokenPath(0, ["a"])), path_header(TokenPath(1, ["a", "b"]))]
    assert path_in(gathered(sent)) == TokenPath(1, ["a", "b"])
    assert path_in({}) == TokenPath(0, [])


@pytest.mark.parametrize("text", ["", "[]", "{", '{"Index":-1}', "[" * 10_000])
def test_a_path_that_is_none_is_refused(text):
    with pytest.raises(Invalid):
        path_in({"path": [text]})


@given(st.floats(1e-5, 1e7))
def test_a_timeout_survives_nearly(seconds):
    name, value = timeout_header(seconds)
    assert name == "grpc-timeout"
    assert len(value) <= 9
    assert timeout_in({name: [value]}) == pytest.approx(seconds, rel=0.01, abs=1e-6)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("1H", 3600), ("2M", 120), ("3S", 3), ("4m", 0.004), ("5u", 5e-6), ("6n", 6e-9), ("0S", 0)],
)
def test_every_unit_is_read(value, seconds):
    assert timeout_in({"grpc-timeout": [value]}) == pytest.approx(seconds)


@pytest.mark.parametrize("value", ["", "S", "1", "-1S", "1.5S", "123456789S", "1s", "٣S"])
def test_what_is_no_timeout_is_refused(value):
    with pytest.raises(Invalid):
        timeout_in({"grpc-timeout": [value]})


def test_no_timeout_is_for_ever():
    assert timeout_in({}) is None
