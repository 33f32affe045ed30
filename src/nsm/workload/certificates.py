"""The half of the Workload API that is about certificates."""

import random
from collections.abc import AsyncIterator, Callable

from nsm.identity.authority import Authority
from nsm.identity.entries import Entry
from nsm.identity.federation import Federation
from nsm.rpc.plain import PlainCall
from nsm.sdk.clock import Clock
from nsm.wire import encode
from nsm.wire.workload import X509BundlesResponse, X509Svid, X509SvidResponse
from nsm.workload.access import Access

Answers = AsyncIterator[bytes]


class Certificates:
    """X.509-SVIDs and bundles, as streams.

    An answer is followed by another when the caller's entries or what it is to believe change, and
    at about half the life of what was sent: scattered, so that not all come at once.
    """

    def __init__(
        self,
        authority: Authority,
        access: Access,
        federation: Federation,
        clock: Clock,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._authority = authority
        self._access = access
        self._federation = federation
        self._clock = clock
        self._chance = chance

    async def fetch_svids(self, call: PlainCall, _: bytes) -> Answers:
        """The caller's SVIDs, now and whenever they are others."""
        caller = await self._access.attest(call)
        while True:
            seen = self._access.changes.count
            entries, state = await self._access.entries(caller), self._state()
            yield encode(self._svids(entries))
            renewal = self._clock.ticks() + self._authority.leaf_lifetime * self._share()
            while (entries, state) == (await self._access.entries(caller), self._state()):
                left = renewal - self._clock.ticks()
                if left <= 0:
                    break
                seen = await self._access.changed(seen, left)

    async def fetch_bundles(self, call: PlainCall, _: bytes) -> Answers:
        """The roots to believe, now and whenever they are others."""
        caller = await self._access.attest(call)
        while True:
            seen = self._access.changes.count
            await self._access.entries(caller)
            bundles = self._bundles()
            yield encode(X509BundlesResponse(bundles=bundles))
            while bundles == self._bundles():
                seen = await self._access.changed(seen)
                await self._access.entries(caller)

    def _state(self) -> object:
        return self._authority.roots, self._authority.reissued, self._federation.domains

    def _bundles(self) -> dict[str, bytes]:
        own = {self._authority.trust_domain: self._own()}
        return {f"spiffe://{domain}": ders for domain, ders in (own | self._others()).items()}

    def _own(self) -> bytes:
        return b"".join(root.der for root in self._authority.roots)

    def _others(self) -> dict[str, bytes]:
        domains = self._federation.domains
        return {name: b"".join(each.anchors) for name, each in domains.items() if each.anchors}

    def _svids(self, entries: tuple[Entry, ...]) -> X509SvidResponse:
        others = {f"spiffe://{name}": ders for name, ders in self._others().items()}
        svids = tuple(self._svid(entry) for entry in entries)
        return X509SvidResponse(svids=svids, federated_bundles=others)

    def _svid(self, entry: Entry) -> X509Svid:
        svid = self._authority.issue(entry.id, entry.hint)
        return X509Svid(str(svid.id), b"".join(svid.chain), svid.key_der(), self._own(), svid.hint)

    def _share(self) -> float:
        return 0.4 + 0.2 * self._chance()
