"""What travels beside a message, and what is remembered from one to the next."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, Self, TypeVar, cast

from nsm.api.connection import Connection
from nsm.api.registration import Endpoint
from nsm.api.timestamp import Timestamp
from nsm.nouns import replace
from nsm.sdk.files import Files

if TYPE_CHECKING:  # the one cycle of the core: a channel is asked with a call
    from nsm.sdk.channel import Channel

T = TypeVar("T")

Change = Callable[[Connection], Connection]
"""How a connection is altered before it is asked for anew."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end: a SPIFFE id and the certificate (DER) that proved it.

    `shown` is the epoch of the certificate of ours that this peer was shown (0: whichever is
    current): it judges our tokens by that one, also after we got another.
    """

    id: str
    leaf: bytes = field(default=b"", repr=False)
    not_after: float = float("inf")
    shown: int = 0


@dataclass(frozen=True, slots=True)
class Token:
    """A signed statement of who asks whom, and when it stops being good."""

    text: str = field(repr=False)
    expires: Timestamp


@dataclass(slots=True)
class TokenPath:
    """The tokens of a registration's hops (header `path`): changed on its way down and back.

    `answerer` is the next hop, once it has answered.
    """

    index: int = 0
    tokens: list[str] = field(default_factory=list, repr=False)
    answerer: Peer | None = field(default=None, compare=False)


@dataclass(slots=True, eq=False)
class Life:
    """What one chain remembers of one connection or record, from first request to close.

    `refresh_soon` and `close_soon` start the work and return: safe inside a request. `again` waits
    for it and is for background tasks only: awaited inside a request it would wait for itself.
    With a change, `again` asks for the changed connection; where that says RESELECT_REQUESTED,
    what stands is closed first.
    `channel` is the next hop's, at `url`, and `asked` the connection as last asked for there.
    `instead` is the life of a way that stands until this one, which is tried beside it, does.
    """

    refresh_soon: Callable[[], None]
    close_soon: Callable[[], None]
    again: Callable[[Change | None], Awaitable[object]]
    last: object | None = None
    channel: "Channel | None" = None
    url: str = ""
    asked: Connection | None = None
    slots: dict[object, object] = field(default_factory=dict)
    instead: "Life | None" = None

    def over(self) -> None:
        """Nobody lives it any more, nor is anybody held by it who did."""
        self.refresh_soon = self.close_soon = _nothing
        self.again = _no_more


def _nothing() -> None:
    return None


async def _no_more(_: Change | None) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Call:
    """Who asks, by when an answer is wanted, where to go next, and for which life.

    `peer` and `token` are the caller's (None: asked from within this process); `files` is the way
    to and from the caller; `to` and `channel` are the next hop's; `deadline` is in `Clock.ticks`.
    For a `newcomer` the path went another way before: by another hop in our place. One that
    `goes_on` was led on from here before, in this process's life or an earlier one, and may stand.
    """

    peer: Peer | None = None
    token: Token | None = None
    deadline: float | None = None
    files: Files | None = None
    to: str = ""
    channel: "Channel | None" = None
    candidates: tuple[Endpoint, ...] = ()
    tokens: TokenPath | None = None
    newcomer: bool = False
    goes_on: bool = False
    _life: Life | None = None

    @property
    def life(self) -> Life:
        """The connection's life; only elements placed after `Begin` have one."""
        if self._life is None:
            raise LookupError("no life here: place this element after Begin")
        return self._life

    @property
    def begun(self) -> bool:
        """Whether an element upstream already serializes this connection."""
        return self._life is not None

    def within(self, life: Life) -> Self:
        """The same call, as part of `life`."""
        return replace(self, _life=life)

    def towards(self, url: str) -> Self:
        """The same call, on its way to `url`."""
        return replace(self, to=url)


class Slot(Generic[T]):
    """A place in a connection's life that belongs to one element instance."""

    def get(self, call: Call) -> T | None:
        """What is there, if anything."""
        return cast("T | None", call.life.slots.get(self))

    def put(self, call: Call, value: T) -> None:
        """Remember `value` for as long as the connection lives."""
        call.life.slots[self] = value

    def take(self, call: Call) -> T | None:
        """What is there, if anything, and forget it."""
        return cast("T | None", call.life.slots.pop(self, None))
