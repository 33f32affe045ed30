"""Whose a registered name is, until it is given up or its time is over."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic

from nsm.api.connection import IP
from nsm.api.registration import Endpoint, NetworkService, R
from nsm.errors import Exhausted
from nsm.nouns import replace
from nsm.sdk import Clock

if TYPE_CHECKING:
    from nsm.store import Kept

MOST_NAMES = 100_000
SWEEP = 16
"""Claims that may lie about when their time is over, and as many again as stand."""


@dataclass(slots=True, eq=False)
class Claim(Generic[R]):
    """A name that is `owner`'s until then (seconds since the epoch), and what was said of it.

    It is `proven` where the owner's own certificate stood behind it, and else vouched for.
    """

    owner: str
    record: R
    proven: bool = False
    until: float = float("inf")

    def renew(self, kept: R) -> None:
        """The name stays claimed for as long as the record is kept."""
        expiry = kept.expiration_time if isinstance(kept, Endpoint) else None
        self.until = expiry.time if expiry else float("inf")


class Owners(Generic[R]):
    """Names and the ids that registered them first."""

    def __init__(self, clock: Clock, most: int = MOST_NAMES) -> None:
        self._clock = clock
        self._most = most
        self._sweep_at = SWEEP
        self._claims: dict[str, Claim[R]] = {}

    def __len__(self) -> int:
        return len(self._claims)

    def owner(self, name: str) -> str:
        """Whose the name is; empty for nobody's."""
        claim = self._standing(name)
        return claim.owner if claim else ""

    def is_proven(self, name: str) -> bool:
        """Whether the owner came itself."""
        claim = self._standing(name)
        return claim is not None and claim.proven

    def restore(self, kept: "Kept[R]") -> None:
        """The name is whose it was when this was kept."""
        claim = Claim(kept.owner, _said(kept.record), kept.proven)
        claim.renew(kept.record)
        self._claims[kept.record.name] = claim

    def repeats(self, record: R) -> bool:
        """Whether this service stands word for word: replicas of an endpoint say it again."""
        claim = self._standing(record.name)
        return isinstance(record, NetworkService) and bool(claim and claim.record == _said(record))

    @contextmanager
    def claiming(self, record: R, by: str, *, proven: bool = False) -> Iterator[Claim[R]]:
        """The name is `by`'s, unless it is someone's already; as it was, if the block fails.

        Claimed before the registration is passed on, so that of two at once only one gets it.
        """
        before = self._standing(record.name)
        if before is None:
            self._make_room()
        owner = before.owner if before else by
        known = before is not None and before.proven
        claim = Claim(owner, _said(record), known or (proven and owner == by))
        self._claims[record.name] = claim
        try:
            yield claim
        except BaseException:
            if self._claims.get(record.name) is claim:
                self._put(record.name, before)
            raise

    def release(self, name: str) -> None:
        """The name is nobody's again."""
        self._claims.pop(name, None)

    def _put(self, name: str, claim: Claim[R] | None) -> None:
        if claim is None:
            self.release(name)
        else:
            self._claims[name] = claim

    def _make_room(self) -> None:
        if len(self._claims) >= min(self._sweep_at, self._most):
            for name in list(self._claims):
                self._standing(name)
            self._sweep_at = 2 * len(self._claims) + SWEEP
        if len(self._claims) >= self._most:
            raise Exhausted(f"{self._most} names are registered", fix="unregister some")

    def _standing(self, name: str) -> Claim[R] | None:
        claim = self._claims.get(name)
        if claim and claim.until <= self._clock.now():
            del self._claims[name]
            return None
        return claim


def _said(record: R) -> R:
    """The content alone; a service that names no payload has the usual one (W §1.9)."""
    said = replace(record, path_ids=())
    return replace(said, payload=said.payload or IP) if isinstance(said, NetworkService) else said
