"""What this run of the tests makes that all on this machine see, by its name."""

import os
import secrets
import subprocess
from pathlib import Path

RUN = Path("/run/nsm")
NSM = Path(__file__).parents[1] / ".venv/bin/nsm"
MARK = os.environ.setdefault("TESTS_MARK", secrets.token_hex(2))
"""Stands in the names of all meshes of this run, in both of its lanes; others have another."""
PATIENCE = 60.0


def take_down() -> list[str]:
    """The meshes that were left up, as by an interrupt that ended a lane before it could."""
    left = sorted(path.name for path in RUN.glob(f"*{MARK}*") if not path.name.startswith("."))
    for name in left:
        subprocess.run([NSM, "down", name], capture_output=True, timeout=PATIENCE, check=False)
    return left
