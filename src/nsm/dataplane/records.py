"""The forwarder's own notes on what it made, kept in a file so that a restart finds them again.

A journal: one line of JSON a change, so that the thousandth connection costs what the first did.
Damaged and foreign lines are passed over; the file is written anew, atomically, when most of it
is history. It need not survive the machine, for the devices don't: nothing is synced to disk.
"""

import asyncio
import logging
import os
from pathlib import Path

import msgspec

log = logging.getLogger(__name__)

MOST = 65536
LONGEST_LINE = 1 << 16
LARGEST_FILE = 1 << 27
HISTORY = 1024
"""Lines beyond twice the living ones before the file is written anew."""


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One end of a vWire: whose, where, under which name, good until when (seconds since 1970)."""

    connection: str
    role: str
    netns_dev: int
    netns_ino: int
    name: str
    vni: int = 0
    expires: float = 0.0
    gone: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """What a later line about the same end has in common with this one."""
        return self.connection, self.role


class Records:
    """The living records; every change is in the file when its call returns."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._living: dict[tuple[str, str], Record] = {}
        self._lines = 0
        self._lock = asyncio.Lock()

    async def load(self) -> tuple[Record, ...]:
        """Read what an earlier life wrote down; nothing where there is no file."""
        async with self._lock:
            lines = await asyncio.to_thread(_read, self._path)
            for line in lines:
                if record := _parsed(line):
                    self._note(record)
            self._lines = len(lines)
        return self.all

    @property
    def all(self) -> tuple[Record, ...]:
        """Every living record."""
        return tuple(self._living.values())

    async def put(self, *records: Record) -> None:
        """Note new ends, or new expiries; those marked `gone` are forgotten."""
        async with self._lock:
            for record in records:
                self._note(record)
            self._lines += len(records)
            if self._lines > 2 * len(self._living) + HISTORY:
                await asyncio.to_thread(_write_anew, self._path, self.all)
                self._lines = len(self._living)
            else:
                await asyncio.to_thread(_append, self._path, records)

    async def forget(self, connection: str, *roles: str) -> None:
        """The connection's ends are gone."""
        ends = [self._living.get((connection, role)) for role in roles]
        await self.put(*(msgspec.structs.replace(end, gone=True) for end in ends if end))

    def _note(self, record: Record) -> None:
        if record.gone:
            self._living.pop(record.key, None)
        elif len(self._living) < MOST or record.key in self._living:
            self._living[record.key] = record
        else:
            log.warning("%d records: no more are kept", MOST)


def _read(path: Path) -> list[bytes]:
    try:
        if path.stat().st_size > LARGEST_FILE:
            log.warning("%s is too large to be ours: not read", path)
            return []
        return [line for line in path.read_bytes().split(b"\n") if line]
    except FileNotFoundError:
        return []


def _parsed(line: bytes) -> Record | None:
    if len(line) > LONGEST_LINE:
        return None
    try:
        return msgspec.json.decode(line, type=Record)
    except msgspec.DecodeError:
        log.warning("a damaged line in the records is passed over")
        return None


def _append(path: Path, records: tuple[Record, ...]) -> None:
    """Begin with a newline too: an earlier line may have been cut off."""
    lines = b"".join(b"\n" + msgspec.json.encode(record) + b"\n" for record in records)
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(fd, lines)
    finally:
        os.close(fd)


def _write_anew(path: Path, records: tuple[Record, ...]) -> None:
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    _append(draft, records)
    draft.replace(path)
