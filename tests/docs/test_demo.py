"""The demo, as `make demo` runs it: to its end, again, and stopped half way."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .pages import ROOT

pytestmark = [pytest.mark.linux, pytest.mark.world]

RUN = Path("/run/nsm/demo")
PATIENCE = 120.0


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """The demo, under way."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    with subprocess.Popen(
        ["sh", "scripts/demo"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as running:
        try:
            yield running
        finally:
            if running.poll() is None:
                os.killpg(running.pid, signal.SIGTERM)
                running.wait(PATIENCE)


def left(folder: Path) -> list[Path]:
    """What the demo should have taken with it."""
    return [*folder.iterdir(), *([RUN] if RUN.exists() else [])]


def test_it_shows_both_vwires_and_leaves_nothing(demo, tmp_path: Path) -> None:
    said, _ = demo.communicate(timeout=PATIENCE)
    assert demo.returncode == 0, said
    assert said.count("3 sent, 3 received, 0% lost") == 2
    assert "kernel/vxlan" in said
    assert "nothing is left over" in said
    assert said.index("far is up") < said.index("$ nsm ping near"), "in the order it happened"
    assert left(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("when", ["$ nsm up", "identity@demo is up", "$ nsm ping far"])
def test_stopped_half_way_it_takes_everything_down(
    demo, tmp_path: Path, number: signal.Signals, when: str
) -> None:
    for line in demo.stdout:
        if when in line:
            break
    os.killpg(demo.pid, number)
    said, _ = demo.communicate(timeout=PATIENCE)
    assert demo.returncode == 130, said
    assert left(tmp_path) == []
