"""What a program wants to know of its connections in its next life: words by key, line by line."""

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import msgspec

from nsm.sdk import Clock

log = logging.getLogger(__name__)

FAMILY = b"nsm notes "
FORMAT = FAMILY + b"1"
LARGEST = 1 << 24
"""Bytes of a file that is read; an honest one has two hundred for each connection, and some."""
MOST = 65_536
"""Notes kept; what there is no room for, a restart does not know."""
LONGEST = 86_400.0
"""Seconds that a note is believed after a restart, whatever the file says."""
SPARE = 1_000
"""Lines that may be over before the file is written anew."""

Words = tuple[str, ...]
_Text = Annotated[str, msgspec.Meta(max_length=300)]
_Line = tuple[_Text, float, Annotated[tuple[_Text, ...], msgspec.Meta(max_length=64)]]
_LINES: msgspec.json.Decoder[_Line] = msgspec.json.Decoder(_Line)


class Notes:
    """Words by key, each until its time is over (seconds since the epoch), in one file.

    A change is a line at its end, written before anybody is answered and without waiting for the
    disk, as a log's is: notes outlive the program, and need not outlive the machine. What cannot
    be written costs a restart its memory, and no vWire.
    """

    def __init__(self, file: Path, clock: Clock) -> None:
        self.file = file
        self.clock = clock
        self.lines = 0
        self.works = self.writes = True
        self.kept = self._read()

    def __iter__(self) -> Iterator[tuple[str, float, Words]]:
        """Every key, until when, and its words."""
        yield from [(key, until, words) for key, (until, words) in self.kept.items()]

    def get(self, key: str) -> Words:
        """What was noted and is not over; else nothing."""
        until, words = self.kept.get(key, (0.0, ()))
        return words if until > self.clock.now() else ()

    def until(self, key: str) -> float:
        """When that is over, if it is noted."""
        return self.kept.get(key, (0.0, ()))[0]

    def put(self, key: str, words: Words, until: float) -> None:
        """Note these until then, in place of what was noted under that key."""
        if key in self.kept or len(self.kept) < MOST:
            self.kept[key] = until, words
            self._add(key, until, words)

    def drop(self, key: str) -> None:
        """Forget what was noted."""
        if self.kept.pop(key, None):
            self._add(key, 0.0, ())

    def _add(self, key: str, until: float, words: Words) -> None:
        """One more line; the first of a life, or one too many, and all is written anew."""
        if not self.writes:  # a later version of us keeps its own there
            return
        if 0 < self.lines < 2 * len(self.kept) + SPARE:
            self.lines += 1
            self._write(lambda: _write(self.file, _line(key, until, words), os.O_APPEND))
            return
        now = self.clock.now()
        self.kept = {key: note for key, note in self.kept.items() if note[0] > now}
        self.lines = 1 + len(self.kept)
        self._write(self._begin)

    def _begin(self) -> None:
        """All of it, beside what was there and then in its place."""
        draft = self.file.with_name(f".{self.file.name}.new")
        self.file.parent.mkdir(parents=True, exist_ok=True)
        lines = (_line(*note) for note in self)
        _write(draft, b"".join((FORMAT, *lines)), os.O_CREAT | os.O_TRUNC)
        draft.replace(self.file)

    def _write(self, change: Callable[[], None]) -> None:
        try:
            change()
            self.works = True
        except OSError as error:
            if self.works:
                log.warning("a restart will not know what is noted now: %s", error)
            self.works = False

    def _read(self) -> dict[str, tuple[float, Words]]:
        """What an earlier life noted and is not over; what cannot be read is passed over."""
        kept: dict[str, tuple[float, Words]] = {}
        now = self.clock.now()
        first, *lines = _lines(self.file)
        if first not in (FORMAT, b""):
            log.warning("%s is passed over: it begins with %r", self.file, first[:30])
            self.writes = not first.startswith(FAMILY)
            return {}
        for key, until, words in filter(None, map(_read, lines)):
            kept.pop(key, None)
            if words and until > now and len(kept) < MOST:
                kept[key] = min(until, now + LONGEST), words
        return kept


def _line(key: str, until: float, words: Words) -> bytes:
    """Its end stands before it, so that one that was torn spoils no other."""
    return b"\n" + msgspec.json.encode((key, until, words))


def _write(file: Path, data: bytes, how: int) -> None:
    with open(os.open(file, os.O_WRONLY | os.O_CLOEXEC | how, 0o600), "wb", 0) as opened:
        opened.write(data)


def _lines(file: Path) -> list[bytes]:
    try:
        if file.stat().st_size <= LARGEST:
            return file.read_bytes().split(b"\n")
        log.warning("%s is passed over: it is too large to be ours", file)
    except FileNotFoundError:
        pass
    except OSError as error:
        log.warning("%s is passed over: %s", file, error)
    return [b""]


def _read(line: bytes) -> _Line | None:
    try:
        return _LINES.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        log.warning("a line of notes is passed over: %r", line[:100])
        return None
