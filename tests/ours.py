"""What this run of the tests makes that all on this machine see, by its name."""

import os
import secrets
import subprocess
from pathlib import Path

RUN = Path("/run/nsm")
NSM = Path(__file__).parents[1] / ".venv/bin/nsm"
TOGETHER = os.environ.setdefault("TESTS_MARK", secrets.token_hex(2))
"""What this run of the tests is known by, in both of its lanes; others have another."""
MARK = TOGETHER + os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
"""Stands in the names of whatever tests of this lane make that all on the host see."""
PATIENCE = 60.0


def take_down() -> list[str]:
    """The meshes that were left up, as by an interrupt that ended a lane before it could."""
    left = sorted(path.name for path in RUN.glob(f"*{TOGETHER}*") if not path.name.startswith("."))
    for name in left:
        subprocess.run([NSM, "down", name], capture_output=True, timeout=PATIENCE, check=False)
    return left
