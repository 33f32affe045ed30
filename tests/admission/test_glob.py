from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsm.admission.glob import Glob

few = st.text(alphabet="ab/*", max_size=12)


@pytest.mark.parametrize(
    ("pattern", "name", "like"),
    [
        ("spiffe://*/ns/*/web*", "spiffe://hello/ns/hello/web-2", True),
        ("spiffe://*/web", "spiffe://hello/ns/deep/web", True),
        ("spiffe://*/web", "spiffe://hello/ns/deep/web2", False),
        ("web", "web", True),
        ("web", "Web", False),
        ("w?b", "wxb", True),
        ("w[ei]b", "wib", True),
        ("*a*", "", False),
        ("ab*ba", "aba", False),
        ("*", "", True),
        ("", "", True),
    ],
)
def test_a_star_crosses_slashes_and_case_counts(pattern: str, name: str, like: bool) -> None:
    assert Glob(pattern).matches(name) is like


@given(few, few)
def test_stars_mean_what_they_mean_everywhere(pattern: str, name: str) -> None:
    assert Glob(pattern).matches(name) == fnmatchcase(name, pattern)


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_is_a_pattern(pattern: str, name: str) -> None:
    assert Glob(pattern).matches(name) == fnmatchcase(name, pattern)


def test_many_stars_cost_no_more_than_few() -> None:
    assert not Glob("*a" * 500 + "b").matches("a" * 20_000)
    assert not Glob("*a?" * 300 + "b").matches("a" * 20_000)
