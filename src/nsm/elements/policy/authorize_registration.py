"""Let nobody register what the policies do not allow."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from nsm.api.registration import R
from nsm.elements.policy.owners import Owners
from nsm.identity import evidence
from nsm.identity.policies import Policies
from nsm.sdk import Call, Clock, Peer, Registry, RegistryElement

if TYPE_CHECKING:
    from nsm.store import Kept


class AuthorizeRegistration(RegistryElement[R]):
    """Judge whoever registers from outside this process, by its tokens and by whose the name is.

    Finding is open to all (W §2.2). Who has registered a name itself is not spoken for by others:
    beyond the one who asks us, tokens are vouched for and not proven. Who passes registrations on
    and is none that `believes` knows registers for itself. `kept` is what stood, and whose, before
    this program started. Where all that is known `elsewhere` too, as by the registry
    behind a manager, it is judged there alone: who says here first what a service is may only say
    it again. Whose is whose does not count for whom something `overrides` it.
    """

    def __init__(
        self,
        policies: Policies,
        clock: Clock,
        kept: "Iterable[Kept[R]]" = (),
        *,
        elsewhere: bool = False,
        believes: Callable[[str], bool] = lambda _: True,
        overrides: Callable[[Call, R], bool] = lambda *_: False,
    ) -> None:
        self.policies = policies
        self.overrides: Callable[[Call, R], bool] = overrides
        self.believes = believes
        self.clock = clock
        self.elsewhere = elsewhere
        self.owners: Owners[R] = Owners(clock)
        for one in kept:
            self.owners.restore(one)

    async def register(self, call: Call, record: R, next: Registry[R]) -> R:
        if call.peer is None:
            return await next.register(call, record)
        by = self.registrant(call, call.peer)
        await self._settle(call, call.peer, record)
        with self.owners.claiming(record, by, proven=evidence.comes_itself(call.tokens)) as claim:
            kept = await next.register(call, record)
            claim.renew(kept)
        return kept

    async def unregister(self, call: Call, record: R, next: Registry[R]) -> None:
        if call.peer is not None:
            owner = "" if self.overrides(call, record) else self.owner(record.name)
            await self.check(call, call.peer, record.name, owner)
        await next.unregister(call, record)
        self.owners.release(record.name)

    async def _settle(self, call: Call, peer: Peer, record: R) -> None:
        """Check, and again if whose the name is has changed while policies were being asked."""
        owner: str | None = None
        free = self.overrides(call, record)
        while owner != (now := self._owner_of(record, free)):
            owner = now
            await self.check(call, peer, record.name, owner)

    def _owner_of(self, record: R, free: bool) -> str:
        return "" if free or self.owners.repeats(record) else self.owner(record.name)

    def registrant(self, call: Call, peer: Peer) -> str:
        """Who registers, as far as whoever asks is believed about it."""
        itself = evidence.comes_itself(call.tokens) or not self.believes(peer.id)
        return peer.id if itself else evidence.registrant(call.tokens)

    def owner(self, name: str) -> str:
        """Whose the name is, as far as it is judged here."""
        return "" if self.elsewhere else self.owners.owner(name)

    async def check(self, call: Call, peer: Peer, name: str, owner: str) -> None:
        """Raise Denied, naming the policy."""
        by = self.registrant(call, peer)
        if owner and self.owners.is_proven(name) and not evidence.comes_itself(call.tokens):
            by = f"{by} by way of {peer.id}"
        resource = evidence.Resource(name, by, owner)
        seen = evidence.of_registrant(call.tokens, peer, self.clock.now(), resource)
        await self.policies.judge(seen, f"registering {name[:200]!r}")
