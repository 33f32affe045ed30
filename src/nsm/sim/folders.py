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


def maker_of(name: str) -> int | None:
    """The process that made a folder of this name; None where it is no story's."""
    number = name.removeprefix(PREFIX).partition("-")[0] if name.startswith(PREFIX) else ""
    return int(number) if number.isdecimal() else None


def remove_own() -> None:
    """Those of this process: it is about to end."""
    _remove(lambda maker: maker == os.getpid())


def remove_abandoned() -> None:
    """Those of processes that were killed."""
    _remove(lambda maker: not Path(f"/proc/{maker}").exists())


def _place() -> Path:
    return MEMORY if MEMORY.is_dir() else Path(tempfile.gettempdir())


def _remove(theirs: Callable[[int], bool]) -> None:
    for one in _place().iterdir():
        maker = maker_of(one.name)
        if maker is not None and theirs(maker):
            shutil.rmtree(one, ignore_errors=True)
