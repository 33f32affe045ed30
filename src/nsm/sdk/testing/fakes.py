"""Parties, tokens and doors for tests, with nothing behind them."""

from dataclasses import dataclass, field

from nsm.api.timestamp import Timestamp
from nsm.sdk.call import Peer, Token
from nsm.sdk.clock import Clock
from nsm.sdk.inprocess import Party


@dataclass
class FakeTokens:
    """Signs by saying who asks whom: "me->you"."""

    id: str
    clock: Clock = field(default_factory=Clock)
    lifetime: float = 600.0

    def issue(self, audience: Peer | None) -> Token:
        whom = audience.id if audience else ""
        return Token(f"{self.id}->{whom}", Timestamp.at(self.clock.now() + self.lifetime))


def party(id: str, clock: Clock, lifetime: float = 600.0) -> Party:
    """Somebody with that id, whose tokens live so long."""
    return Party(lambda: Peer(id), FakeTokens(id, clock, lifetime))
