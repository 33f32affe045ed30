"""The environment is made with the Python that is asked for, else with one that is not slow."""

import os
import subprocess
from pathlib import Path

import pytest

WHICH = Path(__file__).parent.parent / "scripts" / "which-python"
SYSTEM = "/usr/bin/python3"
GOOD = "import sys, ensurepip; sys.exit(sys.version_info < (3, 11))"
FALLS_BACK = (
    os.access(SYSTEM, os.X_OK)
    and subprocess.run([SYSTEM, "-c", GOOD], capture_output=True, check=False).returncode == 0
)


def which(folder: Path, built: str, **more: str) -> tuple[str, str]:
    """What is chosen, and said of it, where the first python3 on the PATH was built like that."""
    python = folder / "python3"
    python.write_text(f"#!/bin/sh\nexit {0 if built == 'optimized' else 1}\n")
    python.chmod(0o755)
    environ = {"PATH": f"{folder}:/usr/bin:/bin", **more}
    ran = subprocess.run(["sh", WHICH], env=environ, capture_output=True, text=True, check=True)
    return ran.stdout.strip(), ran.stderr


def test_the_first_on_the_path_is_taken_where_it_was_built_with_optimizations(tmp_path) -> None:
    assert which(tmp_path, "optimized") == ("python3", "")


def test_the_systems_is_taken_where_it_was_not_and_is_as_good_and_that_is_said(tmp_path) -> None:
    taken, said = which(tmp_path, "as it came")
    assert taken == (SYSTEM if FALLS_BACK else "python3")
    assert (str(tmp_path) in said) is FALLS_BACK
    assert ("PYTHON=python3" in said) is FALLS_BACK


@pytest.mark.parametrize("asked", ["python3", "/opt/python3.13"])
def test_what_is_asked_for_is_taken_in_any_case(tmp_path, asked: str) -> None:
    assert which(tmp_path, "as it came", PYTHON=asked) == (asked, "")
