"""Logs of a mesh: kept small, shown, followed."""

import os
import shutil
from pathlib import Path

LIMIT = 8 << 20
"""Bytes after which a log is put aside; one former log is kept."""


def rotate(folder: Path, limit: int = LIMIT) -> None:
    """Put aside what has grown too large. Writers append, so they go on at the new beginning."""
    for log in folder.glob("*.log"):
        try:
            if log.stat().st_size > limit:
                shutil.copyfile(log, log.with_suffix(".log.1"))
                os.truncate(log, 0)
        except FileNotFoundError:
            continue


def tail(log: Path, lines: int) -> str:
    """The last lines of a log; empty where there is none."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 400 * lines))
            return b"\n".join(file.read().splitlines()[-lines:]).decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
