"""Rely on no registry that the policies do not allow."""

import logging

from nsm.api.registration import Endpoint, R
from nsm.errors import Denied, NsmError
from nsm.identity import evidence
from nsm.identity.policies import Policies
from nsm.nouns import replace
from nsm.sdk import Call, Clock, Registry, RegistryElement, Slot
from nsm.sdk.call import TokenPath

log = logging.getLogger(__name__)


class AuthorizeRegistrationClient(RegistryElement[R]):
    """Judge a registry by the tokens it answered with; a first registration refused is undone."""

    def __init__(self, policies: Policies, clock: Clock) -> None:
        self.policies = policies
        self.clock = clock
        self.registrant: Slot[str] = Slot()

    async def register(self, call: Call, record: R, next: Registry[R]) -> R:
        call = call if call.tokens else replace(call, tokens=TokenPath())
        kept = await next.register(call, record)
        known = self.registrant.get(call)
        by = evidence.registrant(call.tokens)
        try:
            await self.check(call, evidence.Resource(record.name, by, _owner(record, known)))
        except Denied:
            if known is None:
                await _undo(call, kept, next)
            raise
        self.registrant.put(call, by)
        return kept

    async def unregister(self, call: Call, record: R, next: Registry[R]) -> None:
        self.registrant.take(call)
        await next.unregister(call, record)

    async def check(self, call: Call, resource: evidence.Resource) -> None:
        """Raise Denied, naming the policy."""
        if peer := evidence.answerer(call):
            seen = evidence.of_registrar(call.tokens, peer, self.clock.now(), resource)
            await self.policies.judge(seen, f"registry {peer.id}")


def _owner(record: R, known: str | None) -> str:
    """Whose the name is; replicas say one service again, each for itself: the registry judges."""
    return known or "" if isinstance(record, Endpoint) else ""


async def _undo(call: Call, record: R, next: Registry[R]) -> None:
    try:
        await next.unregister(call, record)
    except NsmError:
        log.warning("could not undo the registration of %r", record.name, exc_info=True)
