"""The file itself: opened or put aside, read once, and changed many changes at a time.

Everything here blocks and belongs to one thread. WAL, `synchronous=FULL`: when `apply` returns, its
changes are on the disk, also for who pulls the plug; a kill at any point leaves all of a batch or
none. The file is locked for as long as it is open, so that there is one writer.
"""

import contextlib
import logging
import os
import sqlite3
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Self

from nsm.errors import Exhausted, Invalid, NsmError

log = logging.getLogger(__name__)

SCHEMA = 1
APPLICATION = 0x4E534D52
"""Marks the file as ours (`NSMR`), so that nobody's photo library becomes a registry."""
MOST_BYTES = 8 << 30
DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}
TABLE = """CREATE TABLE records (
    place INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL,
    owner TEXT NOT NULL, proven INTEGER NOT NULL, until REAL, record BLOB NOT NULL,
    UNIQUE (kind, name))"""
PUT = """INSERT INTO records (kind, name, owner, proven, until, record)
    VALUES (:kind, :name, :owner, :proven, :until, :record)
    ON CONFLICT (kind, name) DO UPDATE SET until = :until, record = :record,
    owner = CASE WHEN until <= :now THEN :owner ELSE owner END,
    proven = CASE WHEN until <= :now THEN :proven
        ELSE proven OR (:proven AND owner = :owner) END"""
DROP = """DELETE FROM records WHERE kind = :kind AND name = :name
    AND (:lapsed IS NULL OR until <= :lapsed)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """Keep a record; whose it was stays, unless that one's time (`until`, epoch) is over `now`."""

    kind: str
    name: str
    owner: str
    proven: bool
    until: float | None
    record: bytes
    now: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """Forget a record; with `lapsed` only if its time was over by then."""

    kind: str
    name: str
    lapsed: float | None = None


Change = Put | Drop
Row = tuple[str, str, str, int, bytes]
"""Kind, name, owner, whether that is proven, record."""


class File:
    """An open file of records."""

    def __init__(self, path: Path, database: sqlite3.Connection) -> None:
        self.path = path
        self.database = database

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open it, or begin it; one that is damaged is put aside first, and that is said."""
        try:
            return cls(path, _opened(path))
        except sqlite3.Error as error:
            if _code(error) not in DAMAGED:
                raise _refusal(path, error) from error
            log.error("%s is damaged (%s): put aside as %s", path, error, _put_aside(path))
        try:
            return cls(path, _opened(path))
        except sqlite3.Error as error:
            raise _refusal(path, error) from error

    def read(self, now: float) -> list[Row]:
        """All that stands, the longest kept first; what is over `now` is forgotten."""
        try:
            self.database.execute("DELETE FROM records WHERE until <= ?", (now,))
            rows = self.database.execute(
                "SELECT kind, name, owner, proven, record FROM records ORDER BY place"
            )
            return list(rows)
        except sqlite3.Error as error:
            raise _refusal(self.path, error) from error

    def apply(self, changes: Iterable[Change]) -> None:
        """Make all of these changes, or none: then Exhausted where there is no room for them."""
        try:
            self.database.execute("BEGIN IMMEDIATE")
            for change in changes:
                self._apply(change)
            self.database.execute("COMMIT")
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                self.database.execute("ROLLBACK")
            raise _refusal(self.path, error) from error

    def close(self) -> None:
        """Everything is in the one file afterwards."""
        self.database.close()

    def _apply(self, change: Change) -> None:
        self.database.execute(PUT if isinstance(change, Put) else DROP, asdict(change))


def _opened(path: Path) -> sqlite3.Connection:
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
    except OSError as error:
        raise Invalid(
            f"{path} cannot hold records: {error.strerror}",
            fix="name a file in a folder of this program's",
        ) from error
    database = sqlite3.connect(path, timeout=0, isolation_level=None)
    try:
        _ready(path, database)
    except BaseException:
        database.close()
        raise
    return database


def _ready(path: Path, database: sqlite3.Connection) -> None:
    database.execute("PRAGMA locking_mode = EXCLUSIVE")
    ours, version = (int(_ask(database, name)) for name in ("application_id", "user_version"))
    fresh = not database.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone()
    if not fresh and ours != APPLICATION:
        raise Invalid(f"{path} is someone else's database", fix="name another file")
    if version > SCHEMA:
        raise Invalid(
            f"{path} was written by a newer version ({version}; this one knows {SCHEMA})",
            fix="run that version, or name another file",
        )
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute(f"PRAGMA max_page_count = {MOST_BYTES // int(_ask(database, 'page_size'))}")
    if (found := _ask(database, "quick_check")) != "ok":
        raise _damaged(found)
    database.execute("BEGIN EXCLUSIVE")
    if fresh:
        database.execute(TABLE)
        database.execute(f"PRAGMA application_id = {APPLICATION}")
        database.execute(f"PRAGMA user_version = {SCHEMA}")
    database.execute("COMMIT")


def _ask(database: sqlite3.Connection, name: str) -> str:
    return str(database.execute(f"PRAGMA {name}").fetchone()[0])


def _damaged(how: str) -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError(how)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def _put_aside(path: Path) -> Path:
    """Move the file, and its journal, to the first name that is free."""
    aside = next(
        name for n in count(1) if not (name := path.with_name(f"{path.name}.damaged-{n}")).exists()
    )
    for end in ("-wal", "-shm", ""):
        with contextlib.suppress(FileNotFoundError):
            Path(f"{path}{end}").rename(f"{aside}{end}")
    return aside


def _refusal(path: Path, error: sqlite3.Error) -> NsmError:
    code = _code(error)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Invalid(f"another program has {path} open", fix="name another file, or end that one")
    if code in FULL:
        return Exhausted(f"no room to keep records: {error}", fix=f"make room where {path} lies")
    if code in DAMAGED:
        return NsmError(f"{path} is damaged: {error}", fix="restart: it will be put aside")
    return Invalid(f"{path} cannot hold records: {error}", fix="name another file")


def _code(error: sqlite3.Error) -> int:
    """The plain code in an extended one; 0 where the error is not SQLite's."""
    return int(getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF
