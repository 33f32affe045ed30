"""Identities for tests of others: real certificates without a Workload API, or no proof at all."""

from typing import Self

from nsm.api.timestamp import Timestamp
from nsm.identity import jwt
from nsm.identity.authority import Authority
from nsm.identity.source import LIFETIME, Source
from nsm.identity.spiffe import SpiffeId
from nsm.sdk.call import Peer, Token
from nsm.sdk.clock import Clock


class FakeSource(Source):
    """A real source, fed once by an authority in the same process; `rotate` feeds it again."""

    authority: Authority

    @classmethod
    def of(cls, id: str, authority: Authority, clock: Clock | None = None) -> Self:
        """The source of a program called `id`."""
        source = cls(clock or Clock())
        source.authority = authority
        source.update(authority.issue(SpiffeId.parse(id)), authority.bundles)
        return source

    def rotate(self) -> None:
        """Get a new certificate, and whatever roots the authority has now."""
        self.update(self.authority.issue(self.svid.id), self.authority.bundles)


class PlainTokens:
    """Tokens nobody signed, for tests in virtual time and without certificates."""

    def __init__(self, id: str, clock: Clock, lifetime: float = LIFETIME) -> None:
        self._id = id
        self._clock = clock
        self._lifetime = lifetime

    @property
    def id(self) -> str:
        """Our own SPIFFE id."""
        return self._id

    def issue(self, audience: Peer | None) -> Token:
        """What `Source.issue` would say, without proof."""
        expiry = int(self._clock.now() + self._lifetime)
        claims = jwt.Claims(self._id, (audience.id,) if audience else (), expiry)
        reported = min(expiry, audience.not_after) if audience else expiry
        return Token(jwt.unsigned(claims), Timestamp.at(reported))
