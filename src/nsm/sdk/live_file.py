"""A file's meaning, as it is now: read again when the file changes."""

import logging
import os
import stat
from collections.abc import Callable
from typing import Generic, TypeVar

from nsm.errors import NsmError
from nsm.sdk.clock import Clock

log = logging.getLogger(__name__)

T = TypeVar("T")

LARGEST = 1 << 20
"""Bytes; a larger file is refused."""
EVERY = 1.0
"""Seconds between two looks at the file."""


class LiveFile(Generic[T]):
    """Call it for what the file says; `empty` where there is none.

    A file that cannot be read, or says nothing sensible, leaves the last good meaning in force and
    is complained of once. `read` turns bytes into a meaning and raises an NsmError where it cannot.
    """

    def __init__(self, path: str, read: Callable[[bytes], T], empty: T, clock: Clock) -> None:
        self.path = path
        self.read = read
        self.empty = empty
        self.clock = clock
        self.meaning = empty
        self.looked = float("-inf")
        self.seen: object = None

    def __call__(self) -> T:
        """What the file says."""
        if self.clock.ticks() - self.looked >= EVERY:
            self.looked = self.clock.ticks()
            self._look()
        return self.meaning

    def _look(self) -> None:
        try:
            with open(self.path, "rb", opener=_unblocked) as file:
                about = os.fstat(file.fileno())
                version = (about.st_ino, about.st_mtime_ns, about.st_size)
                if version != self.seen:
                    self.seen = version
                    self._take(file.read(LARGEST + 1), about)
        except FileNotFoundError:
            self.seen, self.meaning = None, self.empty
        except OSError as error:
            log.warning("%s cannot be read, what it said before stays: %s", self.path, error)

    def _take(self, text: bytes, about: os.stat_result) -> None:
        if not stat.S_ISREG(about.st_mode) or len(text) > LARGEST:
            log.warning("%s is no file of at most %d bytes: ignored", self.path, LARGEST)
            return
        try:
            self.meaning = self.read(text)
        except NsmError as error:
            log.warning("%s is wrong, what it said before stays: %s", self.path, error)


def _unblocked(path: str, flags: int) -> int:
    """A pipe in the file's place must not hold up the loop."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)
