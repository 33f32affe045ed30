"""Give programs on this host the identities they have, by the Workload API of SPIFFE."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress

from nsm.errors import Denied, Invalid
from nsm.identity.authority import Authority
from nsm.identity.caller import Caller
from nsm.identity.entries import Entry
from nsm.identity.roster import Roster
from nsm.rpc.plain import PlainCall
from nsm.sdk.clock import Clock
from nsm.wire import encode
from nsm.wire.workload import X509BundlesResponse, X509Svid, X509SvidResponse
from nsm.workload import FETCH_BUNDLES, FETCH_SVIDS, HEADER

Answers = AsyncIterator[bytes]


class WorkloadApi:
    """Answers each caller with what `roster` says it is, signed by `authority`.

    An answer is followed by another when the caller's entries or the authority's roots change,
    and at about half the life of what was sent: scattered, so that not all come at once.
    """

    def __init__(
        self,
        authority: Authority,
        roster: Roster,
        clock: Clock,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._authority = authority
        self._roster = roster
        self._clock = clock
        self._chance = chance

    @property
    def methods(self) -> Mapping[str, Callable[[PlainCall, bytes], Answers]]:
        """What a plain server is to serve."""
        return {FETCH_SVIDS: self.fetch_svids, FETCH_BUNDLES: self.fetch_bundles}

    async def fetch_svids(self, call: PlainCall, _: bytes) -> Answers:
        """The caller's SVIDs, now and whenever they are others."""
        caller = await self._attest(call)
        while True:
            seen = self._authority.changes.count
            entries, bundles = self._entries(caller), self._authority.bundles
            yield encode(self._svids(entries))
            renewal = self._clock.ticks() + self._authority.leaf_lifetime * self._share()
            while (entries, bundles) == (self._entries(caller), self._authority.bundles):
                left = renewal - self._clock.ticks()
                if left <= 0:
                    break
                seen = await self._changed(seen, left)

    async def fetch_bundles(self, call: PlainCall, _: bytes) -> Answers:
        """The roots to believe, now and whenever they are others."""
        caller = await self._attest(call)
        while True:
            seen = self._authority.changes.count
            self._entries(caller)
            bundles = self._authority.bundles
            named = {f"spiffe://{each}": b"".join(ders) for each, ders in bundles.anchors.items()}
            yield encode(X509BundlesResponse(bundles=named))
            while bundles == self._authority.bundles:
                seen = await self._authority.changes.past(seen)
                self._entries(caller)

    async def _attest(self, call: PlainCall) -> Caller:
        if list(call.metadata.get(HEADER, ())) != ["true"]:
            raise Invalid(f"security header missing from request: {HEADER}: true")
        await self._roster.refresh()
        return Caller.of(call.pid, call.uid, call.gid, call.pidfd)

    def _entries(self, caller: Caller) -> tuple[Entry, ...]:
        entries = self._roster.matching(caller)
        if not entries:
            raise Denied(
                f"no identity issued: process {caller.pid} of user {caller.uid} has no entry",
                fix="add an entry that matches its namespace, user or executable",
            )
        return entries

    def _svids(self, entries: tuple[Entry, ...]) -> X509SvidResponse:
        bundle = b"".join(self._authority.bundles.anchors[self._authority.trust_domain])
        return X509SvidResponse(svids=tuple(self._svid(entry, bundle) for entry in entries))

    def _svid(self, entry: Entry, bundle: bytes) -> X509Svid:
        svid = self._authority.issue(entry.id, entry.hint)
        chain = b"".join(svid.chain)
        return X509Svid(str(svid.id), chain, svid.key_der(), bundle, svid.hint)

    def _share(self) -> float:
        return 0.4 + 0.2 * self._chance()

    async def _changed(self, seen: int, within: float) -> int:
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                return await self._authority.changes.past(seen)
        return seen
