"""Give programs on this host the identities they have, by the Workload API of SPIFFE."""

import random
from collections.abc import Callable, Mapping

from nsm.identity.authority import Authority
from nsm.identity.federation import Federation
from nsm.identity.roster import Roster
from nsm.rpc.plain import Method
from nsm.sdk.clock import Clock
from nsm.wire import methods
from nsm.workload.access import Access
from nsm.workload.certificates import Certificates
from nsm.workload.tokens import TokenIssuer


class WorkloadApi:
    """Answers each caller with what `roster` says it is, signed by `authority`.

    `federation` is what callers are told of other trust domains (None: nothing).
    """

    def __init__(
        self,
        authority: Authority,
        roster: Roster,
        clock: Clock,
        federation: Federation | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        access = Access(authority, roster)
        others = federation or Federation("", authority.trust_domain, authority.changes, clock)
        self.certificates = Certificates(authority, access, others, clock, chance)
        self.tokens = TokenIssuer(authority, access, others, clock)

    @property
    def methods(self) -> Mapping[str, Method]:
        """What a plain server is to serve."""
        return {
            methods.FETCH_X509_SVID.path: self.certificates.fetch_svids,
            methods.FETCH_X509_BUNDLES.path: self.certificates.fetch_bundles,
            methods.FETCH_JWT_SVID.path: self.tokens.fetch,
            methods.FETCH_JWT_BUNDLES.path: self.tokens.fetch_bundles,
            methods.VALIDATE_JWT_SVID.path: self.tokens.judge,
        }
