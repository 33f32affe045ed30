"""The entries of a file, as they are now."""

import asyncio
import logging
import os
from pathlib import Path

from nsm.errors import Invalid
from nsm.identity.caller import Caller
from nsm.identity.changes import Changes
from nsm.identity.entries import Entry, matching, read_entries
from nsm.sdk.clock import Clock

log = logging.getLogger(__name__)

MAX_FILE = 4 * 1024 * 1024
LOOK = 1.0
"""Seconds between two looks at the file by whom no caller makes look."""

Stamp = tuple[int, int, int]


class Roster:
    """Follows a file of entries; a version that is bad changes nothing, and is said once."""

    def __init__(self, file: Path, trust_domain: str, changes: Changes) -> None:
        self.entries: tuple[Entry, ...] = ()
        self.file = file
        self._trust_domain = trust_domain
        self._changes = changes
        self._stamp: Stamp | None = None
        self._reading = asyncio.Lock()

    async def load(self) -> None:
        """Read the file for the first time; Invalid if it is bad. None there: no entries yet."""
        self._stamp = _stamp(self.file)
        if self._stamp is None:
            log.warning("%s is not there yet: nobody has an identity", self.file)
            return
        self.entries = await self._read()

    async def refresh(self) -> None:
        """Read the file again if it is another than it was."""
        if _stamp(self.file) == self._stamp:
            return
        async with self._reading:
            stamp = _stamp(self.file)
            if stamp != self._stamp:
                self._stamp = stamp
                await self._reload()

    async def watch(self, clock: Clock) -> None:
        """Refresh for ever, so that those who were served already hear of changes."""
        while True:
            await clock.sleep(LOOK)
            await self.refresh()

    def matching(self, caller: Caller) -> tuple[Entry, ...]:
        """Who the caller is, best answer first."""
        return matching(self.entries, caller)

    def must_hash(self, caller: Caller) -> bool:
        """Whether it matters what the caller's executable holds."""
        return any(entry.sha256 and entry.may_admit(caller) for entry in self.entries)

    def text(self) -> str:
        """What the file says, letter by letter; blocks: call it from a thread."""
        return _text(self.file) if self.file.exists() else ""

    async def _reload(self) -> None:
        try:
            entries = await self._read()
        except Invalid as error:
            log.error("%s is bad, the entries stay as they were: %s", self.file, error)
            return
        if entries != self.entries:
            self.entries = entries
            self._changes.mark()
            log.info("%d entries in %s", len(entries), self.file)

    async def _read(self) -> tuple[Entry, ...]:
        return await asyncio.to_thread(_read, self.file, self._trust_domain)


def _read(file: Path, trust_domain: str) -> tuple[Entry, ...]:
    try:
        return read_entries(_text(file), trust_domain)
    except Invalid as error:
        raise Invalid(f"{file}: {error}") from error


def _text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_FILE + 1)
    except OSError as error:
        raise Invalid(f"{file} cannot be read: {error.strerror}") from error
    if len(data) > MAX_FILE:
        raise Invalid(f"{file} has more than {MAX_FILE} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise Invalid(f"{file}: {error}") from error


def _stamp(file: Path) -> Stamp | None:
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size
