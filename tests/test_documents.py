import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsm.documents import LARGEST, compose, read
from nsm.errors import Invalid

BOMB = "a: &a [x]\nb: [*a, *a]"


def test_plain_values_are_read() -> None:
    assert read("a: [1, {b: no}]") == {"a": [1, {"b": False}]}
    assert read("") is None


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "{a: " * 5000,
        "a: [",
        "\x00",
        "!!python/object:os.system x",
        " " * (LARGEST + 1),
        BOMB,
    ],
    ids=["deep list", "deep map", "open", "control", "tag", "large", "references"],
)
def test_what_is_not_to_be_read_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        read(text)


def test_the_line_of_a_mistake_is_told() -> None:
    with pytest.raises(Invalid, match="line 2"):
        read("a: 1\nb: ]")


def test_nodes_know_their_lines_and_may_refer_to_each_other() -> None:
    node = compose(BOMB)
    assert node is not None
    assert node.start_mark.line == 0


@given(st.text() | st.binary())
def test_nothing_else_is_ever_raised(text: str | bytes) -> None:
    try:
        read(text)
        compose(text)
    except Invalid:
        pass
