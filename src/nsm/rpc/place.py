"""Whether a socket can be believed by where it lies."""

import os
import stat
from collections.abc import Iterator

from nsm.errors import Invalid

MOST_STEPS = 256
"""Folders and links on the way to a socket."""


def check_place(path: str) -> None:
    """Raise Invalid where somebody else may have put the socket, or may put another in its place.

    Where everybody may write, only what root or we own counts, and only if others cannot rename it.
    What is not there yet says nothing.
    """
    for folder, entry in _steps(path):
        found = os.stat(folder)
        if not found.st_mode & stat.S_IWOTH:
            continue
        try:
            owner = os.lstat(os.path.join(folder, entry)).st_uid
        except FileNotFoundError:
            owner = 0
        if not found.st_mode & stat.S_ISVTX or owner not in (0, os.geteuid()):
            raise Invalid(
                f"anybody may put something else in the place of {path}: {folder} is open to all",
                fix="keep the socket in a folder that only its owner may write to",
            )


def _steps(path: str) -> Iterator[tuple[str, str]]:
    """Every folder that is looked into on the way, and what for; links are followed by hand."""
    folder, left = "/", _parts(os.path.abspath(path))
    for _ in range(MOST_STEPS):
        if not left:
            return
        entry = left.pop(0)
        yield folder, entry
        here = os.path.join(folder, entry)
        if os.path.islink(here):
            target = os.path.normpath(os.path.join(folder, os.readlink(here)))
            folder, left = "/", _parts(target) + left
        elif os.path.isdir(here):
            folder = here
        else:
            return
    raise Invalid(f"{path} leads through more than {MOST_STEPS} folders")


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part]
