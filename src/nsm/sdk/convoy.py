"""How many connections of one client are asked for again at once, when all have to be."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from nsm.errors import NsmError, Unreachable
from nsm.sdk.backoff import Backoff
from nsm.sdk.clock import Alarm, Clock

WIDTH, WIDEST = 8, 32
"""Requests under way at once: to begin with, and at most."""
LONG = 1.0
"""Seconds after which one is late, and no longer counts: what it waits for may be somebody else."""
PAUSE, LONGEST_PAUSE = 0.05, 0.5
"""Seconds between two tries to reach a next hop that is not there."""
BREATH = 0.2
"""Seconds at most after one that the next hop answered with a failure: it may still be starting."""


class Convoy:
    """Wider with each request that is answered in time, narrower with each that is late.

    A next hop that starts again meets all its clients with all they have; if all ask at once, and
    again as soon as their time is up, nobody is ever answered. While it can't be reached, one tries
    for all; and while it gives nobody anything.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.width = WIDTH
        self.under_way: set[object] = set()
        self.waiting: deque[asyncio.Future[None]] = deque()
        self.backoff = Backoff(PAUSE, LONGEST_PAUSE)
        self.held: Alarm | None = None
        self.held_until = 0.0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for it, and ask inside."""
        while not self.has_room:
            await self._room()
        me = object()
        self.under_way.add(me)
        alarm = self.clock.after(LONG, lambda: self._is_late(me))
        try:
            yield
        except NsmError as error:
            self._failed(there=not isinstance(error, Unreachable) or bool(error.hop))
            raise
        else:
            if me in self.under_way:
                self._answered()
        finally:
            alarm.cancel()
            self._leave(me)

    @property
    def has_room(self) -> bool:
        """Whether one more may go now."""
        return self.held is None and len(self.under_way) < self.width

    @property
    def pause(self) -> float:
        """Seconds until anybody may go."""
        return max(0.0, self.held_until - self.clock.ticks()) if self.held else 0.0

    def move(self) -> None:
        """Let those go for whom there is room."""
        going = 0
        while self.waiting and self.held is None and len(self.under_way) + going < self.width:
            first = self.waiting.popleft()
            if not first.done():
                first.set_result(None)
                going += 1

    def go_on(self) -> None:
        """The pause is over, or there is news for which it is not waited out."""
        if self.held:
            self.held.cancel()
        self.held = None
        self.move()

    async def _room(self) -> None:
        room = asyncio.get_running_loop().create_future()
        self.waiting.append(room)
        try:
            await room
        except asyncio.CancelledError:
            self.move()  # it may have been let go just now, in the place of another
            raise

    def _answered(self) -> None:
        self.width = min(WIDEST, self.width + 1)
        self.backoff.reset()

    def _is_late(self, me: object) -> None:
        self.width = max(1, self.width // 2)
        self._leave(me)

    def _failed(self, *, there: bool) -> None:
        """Nobody asks for a while, a short one where the next hop is there; then one."""
        self.width = 1
        pause = min(self.backoff.pause(), BREATH if there else LONGEST_PAUSE)
        if self.held:
            self.held.cancel()
        self.held, self.held_until = self.clock.after(pause, self.go_on), self.clock.ticks() + pause

    def _leave(self, me: object) -> None:
        self.under_way.discard(me)
        self.move()
