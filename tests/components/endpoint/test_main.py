"""Which endpoint is run: one of ours, or one of yours from a file."""

from pathlib import Path

import pytest

from nsm.components.endpoint.__main__ import main
from nsm.components.endpoint.kinds import KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_each_of_ours_shows_its_settings(kind: str, capsys) -> None:
    assert main([kind, "--help"]) == 0
    assert "NSM_SERVICE_NAMES" in capsys.readouterr().out


def test_how_to_use_it_is_said_where_that_is_asked(capsys) -> None:
    assert main(["--help"]) == 0
    assert "icmp-responder, passthrough, firewall" in capsys.readouterr().out


@pytest.mark.parametrize("words", [[], ["vpn"], ["no-such.py"], ["icmp-responder.py"]])
def test_what_is_no_endpoint_is_an_error_that_names_those_there_are(words, capsys) -> None:
    assert main(words) == 2
    said = capsys.readouterr().err
    assert "icmp-responder, passthrough, firewall" in said
    assert not words or words[0] in said


def test_a_python_file_is_run_as_a_program_with_its_folder_at_hand(
    tmp_path: Path, monkeypatch, capsys
) -> None:
    (tmp_path / "beside_it.py").write_text("WORD = 'hello'\n")
    (tmp_path / "own.py").write_text(
        "import sys, beside_it\nif __name__ == '__main__': print(beside_it.WORD, *sys.argv[1:])\n"
    )
    monkeypatch.setattr("sys.argv", [])
    monkeypatch.setattr("sys.path", [*__import__("sys").path])
    assert main([str(tmp_path / "own.py"), "you"]) == 0
    assert capsys.readouterr().out == "hello you\n"
