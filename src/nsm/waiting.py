"""Waiting for one descriptor, for code that has a thread of its own and no loop."""

import select
from typing import Protocol


class HasFileno(Protocol):
    """A socket, a file: whatever has a descriptor."""

    def fileno(self) -> int:
        """Its number."""


def readable(file: int | HasFileno, within: float | None) -> bool:
    """Whether there is something to read, or an end, within that many seconds; None is for ever.

    By poll(2): select(2) knows no descriptor above 1,023, and a program with many vWires has them.
    """
    poll = select.poll()
    poll.register(file, select.POLLIN)
    return bool(poll.poll(None if within is None else within * 1000))
