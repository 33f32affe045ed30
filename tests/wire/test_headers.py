import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsm.api.timestamp import Timestamp
from nsm.errors import Invalid
from nsm.wire.headers import read_moment, read_path, write_moment, write_path


@pytest.mark.parametrize(
    ("text", "seconds", "nanos"),
    [
        ("2026-01-02T03:04:05.123456789+02:00", 1767315845, 123456789),
        ("2026-01-02T01:04:05Z", 1767315845, 0),
        ("2026-01-02T01:04:05.5Z", 1767315845, 500_000_000),
        ("2026-01-01t21:34:05.000000001-03:30", 1767315845, 1),
        ("1969-12-31T23:59:59.25Z", -1, 250_000_000),
        ("2026-01-02T01:04:05.1234567899Z", 1767315845, 123456789),
        ("0001-01-01T00:00:00Z", -62135596800, 0),
    ],
)
def test_a_moment_is_read_to_the_nanosecond_wherever_it_was_written(
    text: str, seconds: int, nanos: int
) -> None:
    assert read_moment(text) == Timestamp(seconds, nanos)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2026-01-02",
        "2026-01-02T03:04:05",
        "2026-13-02T03:04:05Z",
        "2026-01-02T24:04:05Z",
        "2026-01-02T03:04:60Z",
        "2026-01-02T03:04:05.Z",
        "2026-01-02T03:04:05+24:00",
        "2026-01-02T03:04:05+0200",
        "0000-01-02T03:04:05Z",
        "2026-01-02T03:04:05Z\n",
        "\uff12026-01-02T03:04:05Z",
        "2026-01-02T03:04:05." + "9" * 100_000 + "Z",
    ],
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="is no moment") as caught:
        read_moment(text)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("when", "text"),
    [
        (Timestamp(1767315845, 123456789), "2026-01-02T01:04:05.123456789Z"),
        (Timestamp(1767315845, 500_000_000), "2026-01-02T01:04:05.5Z"),
        (Timestamp(1767315845), "2026-01-02T01:04:05Z"),
        (Timestamp(-62135596800), "0001-01-01T00:00:00Z"),
    ],
)
def test_a_moment_is_written_in_utc_without_idle_zeros(when: Timestamp, text: str) -> None:
    assert write_moment(when) == text


@pytest.mark.parametrize("when", [Timestamp(1 << 40), Timestamp(-1 << 63), Timestamp(0, -1)])
def test_a_moment_that_rfc_3339_cannot_say_is_refused(when: Timestamp) -> None:
    with pytest.raises(Invalid):
        write_moment(when)


@given(st.builds(Timestamp, st.integers(-62135596800, 253402300799), st.integers(0, 999_999_999)))
def test_a_moment_that_was_written_is_read(when: Timestamp) -> None:
    assert read_moment(write_moment(when)) == when


def test_an_empty_path_is_written_as_go_writes_it() -> None:
    assert write_path(0, []) == '{"Index":0,"PathSegments":null}'


def test_a_path_is_written_as_go_writes_it() -> None:
    assert write_path(1, ["a", "b"]) == '{"Index":1,"PathSegments":[{"token":"a"},{"token":"b"}]}'


@given(st.integers(0, 2**32 - 1), st.lists(st.text(), max_size=128))
def test_a_path_that_was_written_is_read(index: int, tokens: list[str]) -> None:
    assert read_path(write_path(index, tokens)) == (index, tokens)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("{}", (0, [])),
        ('{"Index":null,"PathSegments":[]}', (0, [])),
        ('{"index":1,"pathSegments":[{"Token":"a","more":1},{}],"other":[]}', (1, ["a", ""])),
    ],
)
def test_a_path_is_read_tolerantly(text: str, path: tuple[int, list[str]]) -> None:
    assert read_path(text) == path


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{",
        '{"Index":-1}',
        '{"Index":4294967296}',
        '{"Index":1.5}',
        '{"Index":true}',
        '{"Index":"1"}',
        '{"PathSegments":{"token":"a"}}',
        '{"PathSegments":"ab"}',
        '{"PathSegments":["a"]}',
        '{"PathSegments":[{"token":1}]}',
        '{"Index":' + "9" * 5000 + "}",
        "[" * 100_000,
        json.dumps({"PathSegments": [{"token": "a"}] * 129}),
        '{"a":"' + "b" * (1 << 20) + '"}',
    ],
)
def test_a_path_that_is_wrong_or_too_long_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="path header"):
        read_path(text)


@given(st.text())
def test_any_text_is_a_path_or_invalid(text: str) -> None:
    with contextlib.suppress(Invalid):
        read_path(text)
