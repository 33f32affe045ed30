"""`nsm audit` asks one mesh, or looks at this host: not both."""

from collections.abc import Callable

import pytest

Nsm = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize("words", [("lab",), ("-m", "lab")])
def test_here_is_of_all_meshes(nsm: Nsm, words: tuple[str, ...]) -> None:
    code, _, err = nsm("audit", "--here", *words)
    assert code == 2
    assert "leave the name out" in err


def test_the_help_says_what_to_do_after_a_crash(nsm: Nsm) -> None:
    code, out, _ = nsm("audit", "--help")
    assert code == 0
    assert "nsm audit --here" in out
    assert "after a crash" in out
