"""Who programs are, where nobody proves anything: tokens that say the right words, unsigned."""

from nsm.identity.fake import PlainTokens
from nsm.identity.source import LIFETIME, Source
from nsm.sdk import Peer, Token, Tokens
from nsm.sim.process import Process

MESH, APPS = "spiffe://sim/nsm", "spiffe://sim/apps"
"""Ids of the mesh's own programs begin with one of these, those of workloads with the other."""


class SimIdentity(Source):
    """A source of words: ids, and tokens that anyone could have written."""

    def __init__(self, process: Process, id: str, lifetime: float = LIFETIME) -> None:
        super().__init__(process.clock, lifetime)
        self.process = process
        self._id = id
        self._plain = PlainTokens(id, process.clock, lifetime)
        self._recent: dict[tuple[int, str, float | None], Token] = {}

    @property
    def id(self) -> str:
        return self._id

    def peer(self) -> Peer:
        return Peer(self._id, str(self.process).encode())

    def issue(self, audience: Peer | None, lifetime: float | None = None) -> Token:
        key = (int(self.process.clock.now()), audience.id if audience else "", lifetime)
        if (known := self._recent.get(key)) is None:
            tokens: Tokens = self._plain
            if lifetime:
                tokens = PlainTokens(self._id, self.process.clock, lifetime)
            if len(self._recent) > 64:
                self._recent.clear()
            known = self._recent[key] = tokens.issue(audience)
        return known
