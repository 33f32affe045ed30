"""Where stories keep their files: one folder for each, gone with it, or with who told it."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "nsm-sim-"
MEMORY = Path("/dev/shm")


@contextmanager
def folder() -> Iterator[Path]:
    """One for a story; its name says which process made it."""
    made = tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=_place())
    try:
        yield Path(made)
    finally:
        shutil.rmtree(made)


def remove_own() -> None:
    """Those of this process: it is about to end."""
    _remove(lambda maker: maker == str(os.getpid()))


def remove_abandoned() -> None:
    """Those of processes that were killed."""
    _remove(lambda maker: maker.isdecimal() and not Path("/proc", maker).exists())


def _place() -> Path:
    return MEMORY if MEMORY.is_dir() else Path(tempfile.gettempdir())


def _remove(theirs: Callable[[str], bool]) -> None:
    for one in _place().glob(f"{PREFIX}*-*"):
        if theirs(one.name.removeprefix(PREFIX).partition("-")[0]):
            shutil.rmtree(one, ignore_errors=True)
