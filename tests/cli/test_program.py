"""Programs started by hand: what they are told beside their settings."""

import pytest

from nsm.cli.program import tell

UNREGISTER = "NSM_UNREGISTER_ITSELF"


@pytest.mark.parametrize(("said", "heard"), [({}, "true"), ({UNREGISTER: "false"}, "false")])
def test_an_endpoint_unregisters_unless_it_is_said_otherwise(said, heard: str) -> None:
    environ = dict(said)
    tell("endpoint", environ)
    assert environ == {UNREGISTER: heard}


def test_whatever_else_is_started_is_told_nothing() -> None:
    environ: dict[str, str] = {}
    tell("client", environ)
    assert not environ
