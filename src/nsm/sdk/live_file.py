"""A file's meaning, as it is now: read again when the file changes."""

import logging
import os
import stat
from collections.abc import Callable
from typing import BinaryIO, ClassVar, Generic, TypeVar

from nsm.errors import Invalid, NsmError
from nsm.sdk.clock import Clock

log = logging.getLogger(__name__)

T = TypeVar("T")

LARGEST = 1 << 20
"""Bytes; a larger file is refused."""


class LiveFile(Generic[T]):
    """Call it for what the file says; `empty` where there is none.

    A file that cannot be read, or says nothing sensible, leaves the last good meaning in force and
    is complained of once. `read` turns bytes into a meaning and raises an NsmError where it cannot.
    """

    every: ClassVar[float] = 1.0
    """Seconds between two looks at the file."""

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
        if self.clock.ticks() - self.looked >= self.every:
            try:
                self._look()
            except FileNotFoundError:
                self.gone()
            except (OSError, NsmError) as error:
                log.warning("%s is no use, what it said before stays: %s", self.path, error)
        return self.meaning

    def demand(self) -> T:
        """What the file says; Invalid where it is not there, or makes no sense."""
        try:
            self._look()
        except OSError as error:
            raise Invalid(f"{self.path} cannot be read: {error.strerror}") from None
        return self.meaning

    def settled(self, version: object, written: float) -> bool:
        """Whether a change is worth reading already; `written` is when, since the epoch."""
        return True

    def gone(self) -> None:
        """There is no file any more."""
        self.seen, self.meaning = None, self.empty

    def _look(self) -> None:
        self.looked = self.clock.ticks()
        with open(self.path, "rb", opener=_unblocked) as file:
            about = os.fstat(file.fileno())
            version = (about.st_ino, about.st_mtime_ns, about.st_size)
            if version != self.seen and self.settled(version, about.st_mtime):
                self.seen = version
                self.meaning = self._read(file, about)

    def _read(self, file: BinaryIO, about: os.stat_result) -> T:
        text = file.read(LARGEST + 1) if stat.S_ISREG(about.st_mode) else b""
        if not stat.S_ISREG(about.st_mode) or len(text) > LARGEST:
            raise Invalid(f"{self.path} is no file of at most {LARGEST} bytes")
        return self.read(text)


def _unblocked(path: str, flags: int) -> int:
    """A pipe in the file's place must not hold up the loop."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)
