"""What tests of the command line stand on."""

from collections.abc import Callable
from pathlib import Path

import pytest

from nsm.cli.root import run

Ran = tuple[int, str, str]
Nsm = Callable[..., Ran]


@pytest.fixture
def nsm(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nsm:
    """Run `nsm WORDS` in this process and an empty folder: exit code, output, complaints."""
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> Ran:
        code = run(words)
        said = capsys.readouterr()
        return code, said.out, said.err

    return call
