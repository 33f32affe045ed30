import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsm.api.ports import port_range, protocol
from nsm.errors import Invalid


@pytest.mark.parametrize(
    ("text", "ports"),
    [("", None), ("80", (80, 80)), ("80-90", (80, 90)), ("0", (0, 0)), ("0-65535", (0, 65535))],
)
def test_ports_are_one_or_a_range(text: str, ports: tuple[int, int] | None) -> None:
    assert port_range(text) == ports


@pytest.mark.parametrize("text", ["-", "80-", "-80", "1-2-3", "65536", "9-1", " 80", "\uff18", "x"])
def test_what_are_no_ports_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="are no ports"):
        port_range(text)


@given(st.integers(0, 65535), st.integers(0, 65535))
def test_any_range_that_goes_up_is_read(one: int, other: int) -> None:
    first, last = sorted((one, other))
    assert port_range(f"{first}-{last}") == (first, last)


@pytest.mark.parametrize(("text", "number"), [("", None), ("6", 6), ("255", 255), ("017", 17)])
def test_a_protocol_is_a_number(text: str, number: int | None) -> None:
    assert protocol(text) == number


@pytest.mark.parametrize("text", ["tcp", "256", "-1", "6 ", "\u0666", "9999"])
def test_what_is_no_protocol_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="no IP protocol"):
        protocol(text)
