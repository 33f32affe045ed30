"""Who asks the Workload API, and as whom: settled before anything is answered."""

import asyncio
from contextlib import suppress

from nsm.errors import Denied, Invalid
from nsm.identity.authority import Authority
from nsm.identity.caller import Caller
from nsm.identity.entries import Entry
from nsm.identity.roster import Roster
from nsm.rpc.plain import PlainCall
from nsm.workload import HEADER

HASHING = 10.0
"""Seconds it may take to read an executable."""
MOST_KNOWN = 4096


class Access:
    """Looks at callers, finds their entries in `roster`, and hears of changes at `authority`."""

    def __init__(self, authority: Authority, roster: Roster) -> None:
        self.changes = authority.changes
        self._roster = roster
        self._known: dict[tuple[int, int | None], Caller] = {}
        self._hashing = asyncio.Semaphore(4)

    async def attest(self, call: PlainCall) -> Caller:
        """The process that calls; Invalid without the header no browser can be made to send."""
        if list(call.metadata.get(HEADER, ())) != ["true"]:
            raise Invalid(f"security header missing from request: {HEADER}: true")
        await self._roster.refresh()
        return Caller.of(call.pid, call.uid, call.gid, call.pidfd)

    async def entries(self, caller: Caller) -> tuple[Entry, ...]:
        """Who the caller is, best answer first; Denied where it is nobody.

        A hint tells one's identities apart: of several with the same, the first counts.
        """
        if self._roster.must_hash(caller):
            caller = await self._hashed(caller)
        entries = self._roster.matching(caller)
        if not entries:
            raise Denied(
                f"no identity issued: process {caller.pid} of user {caller.uid} has no entry",
                fix="add an entry that matches its namespace, user or executable",
            )
        hinted = {entry.hint: entry for entry in reversed(entries)}
        return tuple(entry for entry in entries if not entry.hint or hinted[entry.hint] is entry)

    async def _hashed(self, caller: Caller) -> Caller:
        """Each process is looked at once; a disk that hangs leaves it unknown for now."""
        who = (caller.pid, caller.started)
        if who not in self._known:
            with suppress(TimeoutError):
                async with self._hashing, asyncio.timeout(HASHING):
                    found = await asyncio.to_thread(caller.hashed)
                    while len(self._known) >= MOST_KNOWN:
                        del self._known[next(iter(self._known))]
                    self._known[who] = found
        return self._known.get(who, caller)

    async def changed(self, seen: int, within: float | None = None) -> int:
        """Wait until something has changed since `seen`, at most for so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                return await self.changes.past(seen)
        return seen
