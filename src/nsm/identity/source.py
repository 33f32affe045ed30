"""Our identity as it is now: certificates for TLS, tokens for messages, and whom to believe.

A new SVID or bundle begins a new epoch: contexts and tokens made from then on are of it. A peer
that was shown an earlier certificate still gets tokens it can check (`Peer.shown`).
"""

import ssl
from collections.abc import Sequence

from nsm.api.timestamp import Timestamp
from nsm.errors import Invalid, Unauthenticated, Unreachable
from nsm.identity import jwt
from nsm.identity.bundle import Bundles
from nsm.identity.changes import Changes
from nsm.identity.contexts import client_context, server_context
from nsm.identity.leaf import read_leaf
from nsm.identity.svid import Svid
from nsm.sdk.call import Peer, Token
from nsm.sdk.channel import Tokens
from nsm.sdk.clock import Clock

LIFETIME = 600.0
"""Seconds a token is good for unless a program says otherwise (NSM_MAX_TOKEN_LIFETIME)."""
EPOCHS_KEPT = 8
MOST_SIGNED = 256
"""Signatures remembered; what is said in one second to the same peer is the same to the letter."""


class Source:
    """Holds what `update` last brought; until then everything asked of it is Unreachable."""

    def __init__(self, clock: Clock, lifetime: float = LIFETIME) -> None:
        self.changes = Changes()
        self._clock = clock
        self._lifetime = lifetime
        self._svids: dict[int, Svid] = {}
        self._bundles = Bundles()
        self._server: tuple[int, ssl.SSLContext] | None = None
        self._client: tuple[int, ssl.SSLContext] | None = None
        self._signed: dict[tuple[jwt.Claims, bytes], str] = {}

    def update(self, svid: Svid, bundles: Bundles) -> None:
        """Begin a new epoch, unless nothing is new."""
        if self._svids and (svid.chain, bundles) == (self.svid.chain, self._bundles):
            return
        self._svids[self.epoch + 1] = svid
        self._bundles = bundles
        for old in list(self._svids)[:-EPOCHS_KEPT]:
            del self._svids[old]
        self.changes.mark()

    @property
    def epoch(self) -> int:
        """How many times our certificate or the bundles have changed."""
        return self.changes.count

    @property
    def svid(self) -> Svid:
        """The current SVID."""
        if not self._svids:
            raise Unreachable(
                "this program has no identity yet", fix="see that SPIFFE_ENDPOINT_SOCKET answers"
            )
        return self._svids[self.epoch]

    @property
    def bundles(self) -> Bundles:
        """Whom we believe."""
        return self._bundles

    @property
    def id(self) -> str:
        """Our own SPIFFE id."""
        return str(self.svid.id)

    def peer(self) -> Peer:
        """This program as others see it after a handshake."""
        return Peer(self.id, self.svid.leaf, self.svid.not_after)

    @property
    def not_after(self) -> float:
        """When our current certificate ends."""
        return self.svid.not_after

    def server_context(self) -> ssl.SSLContext:
        """TLS for those who dial us from now on."""
        if self._server is None or self._server[0] != self.epoch:
            self._server = (self.epoch, server_context(self.svid, self._bundles))
        return self._server[1]

    def client_context(self) -> ssl.SSLContext:
        """TLS for those we dial from now on."""
        if self._client is None or self._client[0] != self.epoch:
            self._client = (self.epoch, client_context(self.svid, self._bundles))
        return self._client[1]

    def verify(self, chain: Sequence[bytes]) -> Peer:
        """Whom a chain (DER, leaf first) that TLS has verified proves.

        Its end must belong to the leaf's own trust domain: an authority we know from another
        domain does not get to name members of this one. Raises Unauthenticated.
        """
        if not chain:
            raise Unauthenticated("the peer showed no certificate")
        try:
            leaf = read_leaf(chain[0])
        except Invalid as error:
            raise Unauthenticated(f"the peer is nobody we can name: {error.cause}") from error
        if not self._bundles.vouches(leaf.id, chain[-1]):
            raise Unauthenticated(
                f"the certificate of {leaf.id} was not issued in {leaf.id.trust_domain}",
                fix="a trust domain's ids are believed only from its own authorities",
            )
        return Peer(str(leaf.id), chain[0], leaf.not_after)

    def issue(self, audience: Peer | None, lifetime: float | None = None) -> Token:
        """A token for `audience`: good for `lifetime` seconds, at most as long as our leaf is.

        Its reported expiry also heeds the audience's leaf (W §5.3).
        """
        svid = self._svids.get(audience.shown, self.svid) if audience else self.svid
        expiry = int(min(self._clock.now() + (lifetime or self._lifetime), svid.not_after))
        claims = jwt.Claims(str(svid.id), (audience.id,) if audience else (), expiry)
        reported = min(expiry, audience.not_after) if audience else expiry
        return Token(self._sign(claims, svid), Timestamp.at(reported))

    def _sign(self, claims: jwt.Claims, svid: Svid) -> str:
        said = claims, svid.leaf
        if (text := self._signed.get(said)) is None:
            if len(self._signed) >= MOST_SIGNED:
                self._signed.clear()
            text = self._signed[said] = jwt.sign(claims, svid.key)
        return text

    def lasting(self, lifetime: float) -> Tokens:
        """The same signer, with tokens that last `lifetime` seconds."""
        return _Lasting(self, lifetime)


class _Lasting:
    """A source's tokens, with a life of their own."""

    def __init__(self, source: Source, lifetime: float) -> None:
        self._source = source
        self._lifetime = lifetime

    @property
    def id(self) -> str:
        return self._source.id

    def issue(self, audience: Peer | None) -> Token:
        return self._source.issue(audience, self._lifetime)
