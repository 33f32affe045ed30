"""The half of the Workload API that is about JWT-SVIDs."""

from collections.abc import AsyncIterator

from nsm.errors import Denied
from nsm.identity import jwk
from nsm.identity.authority import Authority
from nsm.identity.federation import Federation
from nsm.identity.jwk import Jwk
from nsm.identity.jwt_svid import check_audience, validate
from nsm.identity.spiffe import SpiffeId
from nsm.rpc.plain import PlainCall
from nsm.sdk.clock import Clock
from nsm.wire import decode, encode
from nsm.wire.workload import (
    JwtBundlesResponse,
    JwtSvid,
    JwtSvidRequest,
    JwtSvidResponse,
    ValidateJwtSvidRequest,
    ValidateJwtSvidResponse,
)
from nsm.workload.access import Access

Answers = AsyncIterator[bytes]


class TokenIssuer:
    """Gives JWT-SVIDs, the keys that vouch for them, and an opinion on those of others."""

    def __init__(
        self, authority: Authority, access: Access, federation: Federation, clock: Clock
    ) -> None:
        self._authority = authority
        self._access = access
        self._federation = federation
        self._clock = clock

    async def fetch(self, call: PlainCall, request: bytes) -> Answers:
        """A token for each of the caller's identities, or for the one it chooses."""
        caller = await self._access.attest(call)
        entries = await self._access.entries(caller)
        asked = decode(JwtSvidRequest, request)
        audience = check_audience(asked.audience)
        if asked.spiffe_id:
            chosen = SpiffeId.parse(asked.spiffe_id)
            entries = tuple(entry for entry in entries if entry.id == chosen)
            if not entries:
                raise Denied(f"no identity issued: the caller is not {chosen}")
        issue = self._authority.token
        svids = (JwtSvid(str(each.id), issue(each.id, audience), each.hint) for each in entries)
        yield encode(JwtSvidResponse(tuple(svids)))

    async def fetch_bundles(self, call: PlainCall, _: bytes) -> Answers:
        """The keys to believe, now and whenever they are others."""
        caller = await self._access.attest(call)
        while True:
            seen = self._access.changes.count
            await self._access.entries(caller)
            keys = self._keys()
            sets = {f"spiffe://{domain}": jwk.written(each) for domain, each in keys.items()}
            yield encode(JwtBundlesResponse(sets))
            while keys == self._keys():
                seen = await self._access.changed(seen)
                await self._access.entries(caller)

    async def judge(self, call: PlainCall, request: bytes) -> Answers:
        """Whose a token is and what it says; Invalid for one that is no good."""
        caller = await self._access.attest(call)
        await self._access.entries(caller)
        asked = decode(ValidateJwtSvidRequest, request)
        verdict = validate(asked.svid, asked.audience, self._keys(), self._clock.now())
        yield encode(ValidateJwtSvidResponse(str(verdict.id), verdict.claims))

    def _keys(self) -> dict[str, tuple[Jwk, ...]]:
        domains = self._federation.domains
        others = {name: each.keys for name, each in domains.items() if each.keys}
        return others | {self._authority.trust_domain: self._authority.token_keys}
