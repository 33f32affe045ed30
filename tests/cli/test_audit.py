"""`nsm audit` asks one mesh, or looks at this host: not both."""

import time
from collections.abc import Callable

import pytest

from nsm.cli.audit import show

Nsm = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize("words", [("lab",), ("-m", "lab")])
def test_here_is_of_all_meshes(nsm: Nsm, words: tuple[str, ...]) -> None:
    code, _, err = nsm("audit", "--here", *words)
    assert code == 2
    assert "leave the name out" in err


def test_of_what_waits_it_says_how_long_and_no_fix(capsys: pytest.CaptureFixture[str]) -> None:
    one = {"kind": "address", "what": "10.0.0.1", "where": "e1", "whose": "e1", "fix": "restart e1"}
    left, waits = {**one, "until": 0.0}, {**one, "until": time.time() + 240.2}
    show({"leftovers": [left], "waiting": [waits]})
    show({"leftovers": [], "waiting": []})
    said = capsys.readouterr().out.splitlines()
    assert [" ".join(line.split()) for line in said] == [
        "KIND WHAT WHERE WHOSE FIX",
        "address 10.0.0.1 e1 e1 restart e1",
        "waits for its time to be up:",
        "KIND WHAT WHERE WHOSE ENDS IN",
        "address 10.0.0.1 e1 e1 240 s",
        "nothing is left over",
    ]


def test_the_help_says_what_to_do_after_a_crash(nsm: Nsm) -> None:
    code, out, _ = nsm("audit", "--help")
    assert code == 0
    assert "nsm audit --here" in out
    assert "after a crash" in out
