from pathlib import Path

import pytest
from tests import ours


def test_meshes_of_this_run_are_taken_down_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nsm, said, run = tmp_path / "nsm", tmp_path / "said", tmp_path / "run"
    nsm.write_text(f'#!/bin/sh\necho "$@" >> {said}\n')
    nsm.chmod(0o755)
    for name in (f"bb{ours.MARK}-kept", f"chaos-1-{ours.TOGETHER}0", "of-another", ".swept"):
        (run / name).mkdir(parents=True)
    monkeypatch.setattr(ours, "NSM", nsm)
    monkeypatch.setattr(ours, "RUN", run)
    assert ours.take_down() == [f"bb{ours.MARK}-kept", f"chaos-1-{ours.TOGETHER}0"]
    assert said.read_text().splitlines() == [
        f"down bb{ours.MARK}-kept",
        f"down chaos-1-{ours.TOGETHER}0",
    ]
