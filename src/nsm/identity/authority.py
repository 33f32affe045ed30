"""A certificate authority for one trust domain, for hosts that have no SPIRE.

Its roots overlap. A new one is made at half the life of the last. At first it is only made known;
it signs from `settling` seconds later, when everyone has heard of it, and the last one stays known
until its end. So what a root is for follows from its age alone, and survives a restart.

Roots sign intermediates, and those sign leaves. An intermediate travels with what it signed, so it
needs no time to settle and is kept nowhere: another is made when it is old, or its root is.
"""

from collections.abc import Sequence

from nsm.errors import Invalid
from nsm.identity.bundle import Bundles
from nsm.identity.certificates import Ca, make_ca, make_intermediate, make_svid
from nsm.identity.changes import Changes
from nsm.identity.jwk import Jwk
from nsm.identity.jwt_svid import mint, signing_key
from nsm.identity.spiffe import SpiffeId, check_trust_domain
from nsm.identity.svid import Svid
from nsm.sdk.clock import Clock

HOUR = 3600.0
WEEK = 7 * 24 * HOUR
MOST_ROOTS = 16
TOKEN_LIFETIME = 300.0
"""Seconds a JWT-SVID is good for: whoever finds one can use it."""


class Authority:
    """Issues SVIDs of `trust_domain`; `changes` counts what its members are to hear of.

    `token_keys` vouch for its JWT-SVIDs; `reissued` grows when every leaf is to be another.
    """

    def __init__(
        self,
        trust_domain: str,
        clock: Clock,
        roots: Sequence[Ca] = (),
        *,
        leaf_lifetime: float = HOUR,
        root_lifetime: float = WEEK,
    ) -> None:
        if root_lifetime < 4 * leaf_lifetime:
            raise Invalid("an authority must live at least four times as long as what it signs")
        self.trust_domain = check_trust_domain(trust_domain)
        self.leaf_lifetime = leaf_lifetime
        self.root_lifetime = root_lifetime
        self.intermediate_lifetime = max(2 * leaf_lifetime, root_lifetime / 7)
        self.settling = min(60.0, root_lifetime / 20)
        self.changes = Changes()
        self.roots = tuple(sorted(roots, key=lambda root: root.made))
        self.reissued = 0
        self.token_keys: tuple[Jwk, ...] = ()
        self._clock = clock
        self._issuing: tuple[Ca, Ca] | None = None
        self._become(self.roots)
        self.renew()

    def renew(self) -> bool:
        """Drop roots that have ended, make the next one when it is time; whether any changed."""
        now = self._clock.now()
        standing = tuple(root for root in self.roots if root.not_after > now)
        due = not standing or now >= standing[-1].made + self.root_lifetime / 2
        return self._become(standing + self._new(now) if due else standing)

    def rotate(self) -> None:
        """Make the next root now, whatever the age of the last."""
        if len(self.roots) >= MOST_ROOTS:
            raise Invalid("the authority was rotated too often; older roots must end first")
        self._become(self.roots + self._new(self._clock.now()))

    def rotate_intermediate(self) -> None:
        """Have everyone get a new leaf now, by a new intermediate; older ones hold to their end."""
        self._issuing = None
        self.reissue()

    def reissue(self) -> None:
        """Have everyone get a new leaf now."""
        self.reissued += 1
        self.changes.mark()

    @property
    def bundles(self) -> Bundles:
        """What members of the trust domain are to believe."""
        return Bundles({self.trust_domain: tuple(root.der for root in self.roots)})

    @property
    def signing(self) -> Ca:
        """The newest root that everyone has had the time to hear of."""
        known = self._clock.now() - self.settling
        return next((root for root in reversed(self.roots) if root.made <= known), self.roots[0])

    @property
    def issuing(self) -> Ca:
        """The intermediate that signs leaves; half its life is longer than any of theirs."""
        root, now = self.signing, self._clock.now()
        if self._issuing is None or self._issuing[0] is not root or self._is_old(self._issuing[1]):
            made = make_intermediate(root, self.trust_domain, now, self.intermediate_lifetime)
            self._issuing = root, made
        return self._issuing[1]

    def issue(self, id: SpiffeId, hint: str = "") -> Svid:
        """A new SVID; Invalid for an id that is not this authority's to give."""
        self._check_member(id)
        return make_svid(self.issuing, id, self._clock.now(), self.leaf_lifetime, hint)

    def token(self, id: SpiffeId, audience: Sequence[str]) -> str:
        """A JWT-SVID; Invalid for an id that is not ours to give, or an audience of nobody."""
        self._check_member(id)
        root, now = self.signing, self._clock.now()
        until = min(now + min(TOKEN_LIFETIME, self.leaf_lifetime), root.not_after)
        return mint(signing_key(root), id, audience, now, until)

    def _is_old(self, intermediate: Ca) -> bool:
        return self._clock.now() >= intermediate.made + self.intermediate_lifetime / 2

    def _check_member(self, id: SpiffeId) -> None:
        if id.trust_domain != self.trust_domain or not id.path:
            raise Invalid(f"{id} is no member of trust domain {self.trust_domain}")

    def _new(self, now: float) -> tuple[Ca, ...]:
        return (make_ca(self.trust_domain, now, self.root_lifetime),)

    def _become(self, roots: tuple[Ca, ...]) -> bool:
        if roots == self.roots and len(self.token_keys) == len(roots):
            return False
        self.roots = roots
        self.token_keys = tuple(Jwk.named(signing_key(root).public_key()) for root in roots)
        self.changes.mark()
        return True
