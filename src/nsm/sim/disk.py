"""A disk: what was written on it before its registry died is there for the next."""

import asyncio
from collections.abc import Callable

from nsm.api.registration import R
from nsm.errors import Unreachable
from nsm.sim.process import Process
from nsm.store.file import Change, Drop, Row
from nsm.store.shelf import Shelf

TAKES = 0.002
"""Seconds for one write."""


class Disk:
    """Rows as a file of records keeps them."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], tuple[Row, float | None]] = {}

    def change(self, change: Change) -> None:
        """What `store.file` does with its database."""
        key = (change.kind, change.name)
        before = self.rows.get(key)
        if isinstance(change, Drop):
            lapsed, until = change.lapsed, before[1] if before else None
            if lapsed is None or (until is not None and until <= lapsed):
                self.rows.pop(key, None)
            return
        owner, proven = change.owner, change.proven
        if before and (before[1] is None or before[1] > change.now):
            kept = before[0]
            owner, proven = kept[2], bool(kept[3]) or (proven and kept[2] == change.owner)
        row = (change.kind, change.name, owner, int(proven), change.record)
        self.rows[key] = (row, change.until)


class DiskHandle:
    """The disk as one life of its registry uses it; one write at a time, in order."""

    def __init__(self, disk: Disk, process: Process) -> None:
        self.disk = disk
        self.process = process
        self.busy = asyncio.Lock()
        now = process.clock.now()
        self.rows = [row for row, until in disk.rows.values() if until is None or until > now]

    def compare(self, known: set[str], complain: Callable[[str], None]) -> None:
        """A registry that begins knows what stands on its disk."""
        for _, name, *_ in self.rows:
            if name not in known:
                complain(f"the registry has {name} on its disk, and does not know it")

    def shelf(self, kind: type[R]) -> Shelf[R]:
        """The records of one kind."""
        mine = [row for row in self.rows if row[0] == kind.__name__]
        return Shelf(kind, mine, self.write, self.process.clock)

    async def write(self, change: Change, then: Callable[[], None]) -> None:
        """Make a change that lasts, and say so."""
        async with self.busy:
            await asyncio.sleep(TAKES)
            if not self.process.alive:
                raise Unreachable("this registry is no more")
            self.disk.change(change)
            then()
