"""What a command fails with, and how it says so."""

import click
import pytest

from nsm.cli.failing import fail, wants_json
from nsm.errors import NotFound
from nsm.values import BadFile, Problem
from nsm.world.starting import AlreadyUp, HostCannot


@pytest.mark.parametrize(
    ("error", "words", "code"),
    [
        (BadFile("x", [Problem(1, "y", "z")]), ["up"], 2),
        (HostCannot("no"), ["up"], 3),
        (AlreadyUp("twice"), ["up"], 1),
        (NotFound("nobody"), ["exec", "nobody"], 125),
        (NotFound("nobody"), ["kill", "nobody"], 1),
        (click.UsageError("what?"), ["up"], 2),
        (click.exceptions.Abort(), ["up"], 130),
    ],
)
def test_each_kind_of_failure_has_its_exit_code(
    error: Exception, words: list[str], code: int
) -> None:
    assert fail(error, words) == code


def test_a_failure_says_where_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    fail(NotFound("no such thing", hop="web", fix="look elsewhere"), ["kill"])
    said = capsys.readouterr()
    assert said.out == ""
    assert "web: no such thing" in said.err
    assert "look elsewhere" in said.err


@pytest.mark.parametrize(
    ("words", "json"),
    [
        (["status", "-o", "json"], True),
        (["status", "--output=json"], True),
        (["status", "-ojson"], True),
        (["status", "-o", "text"], False),
        (["exec", "web", "--", "x", "-o", "json"], False),
        (["status", "-o"], False),
        ([], False),
    ],
)
def test_who_asks_for_json_is_known(words: list[str], json: bool) -> None:
    assert wants_json(words) is json
