"""A file of records from a loop's point of view: nothing blocks, and what waits goes in together.

While one batch is on its way to the disk the next gathers: a thousand registrations at once cost a
few waits for the disk, one alone costs one.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from nsm.api.registration import R
from nsm.errors import Exhausted, Unreachable
from nsm.sdk import Clock
from nsm.store.file import Change, File, Row
from nsm.store.shelf import Shelf

MOST_WAITING = 10_000
"""Changes that wait for the disk at most."""


@dataclass(frozen=True, slots=True, eq=False)
class _Wanted:
    change: Change
    then: Callable[[], None]
    settled: asyncio.Future[None]


class Store:
    """An open file of records and the one thread that writes it; close it when done."""

    def __init__(self, file: File, rows: list[Row], thread: ThreadPoolExecutor, clock: Clock):
        self.clock = clock
        self._file = file
        self._rows = rows
        self._thread = thread
        self._waiting: list[_Wanted] = []
        self._writing: asyncio.Future[None] | None = None
        self._closed = False

    @classmethod
    async def open(cls, path: Path, clock: Clock) -> Self:
        """Open the file, or begin it; Invalid for one that is another's or cannot be ours."""
        loop, thread = asyncio.get_running_loop(), ThreadPoolExecutor(1, f"store {path.name}")
        try:
            file = await loop.run_in_executor(thread, File.open, path)
            rows = await loop.run_in_executor(thread, file.read, clock.now())
        except BaseException:
            thread.shutdown(wait=False)
            raise
        return cls(file, rows, thread, clock)

    def shelf(self, kind: type[R]) -> Shelf[R]:
        """The records of one kind; to be asked for once, at the start."""
        mine = [row for row in self._rows if row[0] == kind.__name__]
        self._rows = [row for row in self._rows if row[0] != kind.__name__]
        return Shelf(kind, mine, self.write, self.clock)

    async def write(self, change: Change, then: Callable[[], None]) -> None:
        """Make a change that lasts; `then` is called when it does, in the order of the changes.

        Whoever is cancelled while the change is being written stays until it is: what was written
        and what its caller believes never differ.
        """
        if self._closed:
            raise Unreachable("this registry is stopping")
        if len(self._waiting) >= MOST_WAITING:
            raise Exhausted(f"{MOST_WAITING} changes wait for the disk already", fix="ask later")
        wanted = _Wanted(change, then, asyncio.get_running_loop().create_future())
        self._waiting.append(wanted)
        self._go()
        try:
            await asyncio.wait([wanted.settled])
        except asyncio.CancelledError:
            if wanted in self._waiting:
                self._waiting.remove(wanted)
                raise
            await _outlast(wanted.settled)
        wanted.settled.result()

    async def close(self) -> None:
        """Write what waits, and let go of the file."""
        if self._closed:
            return
        self._closed = True
        while self._writing:
            await asyncio.wait([self._writing])
        await asyncio.get_running_loop().run_in_executor(self._thread, self._file.close)
        self._thread.shutdown(wait=False)

    def _go(self) -> None:
        if self._writing or not self._waiting:
            return
        batch, self._waiting = self._waiting, []
        changes = [wanted.change for wanted in batch]
        loop = asyncio.get_running_loop()
        self._writing = loop.run_in_executor(self._thread, self._file.apply, changes)
        self._writing.add_done_callback(lambda written: self._settle(batch, written))

    def _settle(self, batch: list[_Wanted], written: asyncio.Future[None]) -> None:
        self._writing = None
        error = written.exception()
        for wanted in batch:
            if error:
                wanted.settled.set_exception(copy(error))  # each has its own way up
            else:
                wanted.then()
                wanted.settled.set_result(None)
        self._go()


async def _outlast(settled: asyncio.Future[None]) -> None:
    """Stay until it is done, however often told to leave: it is a matter of one wait for a disk."""
    while not settled.done():
        try:
            await asyncio.wait([settled])
        except asyncio.CancelledError:
            continue
