"""Every connection's life, lived one event at a time: what `Begin` stands on.

Exclusivity: one event of a connection at a time. Order: events happen as they were asked for.
Close correctness: what is closed is what was last answered, whatever the closer sent.
Currency: fired events use the peer, token and time of the last request that succeeded, and one
that was meant for an earlier life, or close an earlier answer, does nothing.
"""

import asyncio
import logging

from nsm.api.connection import RESELECT_REQUESTED, UP, Connection, Request
from nsm.errors import Cancelled, Denied, Invalid, TooLate, Unauthenticated
from nsm.nouns import replace
from nsm.sdk.call import Call, Change, Life
from nsm.sdk.clock import Alarm, Clock
from nsm.sdk.closing import GRACE
from nsm.sdk.handler import Handler
from nsm.sdk.lanes import Lanes
from nsm.sdk.tasks import Tasks

log = logging.getLogger(__name__)

FAREWELL = 3.0
"""Seconds that may go by before what replaces a connection is asked for."""
SHORTEST = 1.0
"""Seconds a fired event gets at least, though the request that succeeded was left with less."""

UNFINISHED = (
    asyncio.CancelledError,
    TimeoutError,
    TooLate,
    Cancelled,
    Denied,
    Unauthenticated,
    Invalid,
)
"""How a close can fail before it got through: what it was to close still stands."""


class Lives:
    """All connections of one chain, by the id they have here."""

    def __init__(self, tasks: Tasks, clock: Clock) -> None:
        self.tasks = tasks
        self.clock = clock
        self.lanes = Lanes()
        self.lived: dict[str, Living] = {}
        tasks.holders.add(self)

    def __len__(self) -> int:
        return len(self.lived)

    def of(self, key: str, next: Handler) -> "Living":
        """The life lived under `key`, or a new one; it is kept once a request has succeeded."""
        return self.lived.get(key) or Living(self, key, next)


class Living:
    """One connection from first request to close; to be used inside its lane."""

    def __init__(self, lives: Lives, key: str, next: Handler) -> None:
        self.lives = lives
        self.key = key
        self.next = next
        self.life = Life(self.refresh_soon, self.close_soon, self.again)
        self.call = Call()
        self.window = GRACE
        self.request = Request()
        self.answers = 0
        self.returned: Connection | None = None
        self._doing: asyncio.Task[object] | None = None

    @property
    def current(self) -> bool:
        """Whether a request succeeded, and no close has since."""
        return self.lives.lived.get(self.key) is self

    async def ask(self, call: Call, request: Request) -> Connection:
        """Send the request on; if it succeeds, it is what fired events will use."""
        window = GRACE if call.deadline is None else call.deadline - self.lives.clock.ticks()
        self._doing = asyncio.current_task()
        try:
            conn = await self.next.request(call.within(self.life), request)
        except BaseException:
            if not self.current:
                self.life.over()
            raise
        finally:
            self._doing = None
        if conn.state != UP:
            conn = replace(conn, state=UP)
        self.call, self.window, self.answers = call, max(SHORTEST, window), self.answers + 1
        self.request, self.life.last = request.carrying(conn), conn
        self.lives.lived[self.key] = self
        return conn

    async def close(self, call: Call) -> None:
        """Close what was last answered, and forget it unless the close never got through."""
        try:
            await self._close(call)
        except UNFINISHED:
            raise
        except BaseException:
            self.forget()
            raise
        self.forget()

    def forget(self) -> None:
        """This life is over."""
        self.life.over()
        if self.current:
            del self.lives.lived[self.key]

    def abandon(self) -> None:
        """It is over, though its close may not have got through: nothing is to happen to it."""
        for held in self.life.slots.values():
            if isinstance(held, Alarm):
                held.cancel()
        self.forget()

    def refresh_soon(self) -> None:
        """Ask for the same again, in a task."""
        self.lives.tasks.start(f"refresh {self.key}", self.again(None))

    def close_soon(self) -> None:
        """Close, in a task, unless a request succeeds before its turn comes."""
        self.lives.tasks.start(f"close {self.key}", self._close_answer(self.answers))

    async def again(self, change: Change | None) -> Connection | None:
        """Ask again and wait for the answer; None if the connection was closed meanwhile."""
        if self._doing is asyncio.current_task():
            raise RuntimeError("again() inside a request waits for itself: use refresh_soon()")
        async with self.lives.lanes.enter(self.key):
            if not self.current:
                return None
            request = await self._changed(change) if change else self.request
            async with asyncio.timeout(self.window):
                return await self.ask(self._now(), request)

    async def leave(self, call: Call) -> bool:
        """Close what stands to make room for another: it may be dead, so in little time.

        False if whoever wants that may not: then it goes on standing.
        """
        soon = replace(call, deadline=self.lives.clock.ticks() + FAREWELL)
        try:
            async with asyncio.timeout(FAREWELL):
                await self._close(soon)
        except (Denied, Unauthenticated):
            return False
        except Exception as error:
            log.info("closing %s before asking anew: %r", self.key, error)
        return True

    async def _changed(self, change: Change) -> Request:
        """What to ask for; to be selected anew, it starts from nothing: what stands is closed."""
        request = self.request.carrying(change(self.request.connection))
        if request.connection.state == RESELECT_REQUESTED:
            if self.life.last:
                await self.leave(self.call)
            self.life.last = self.life.channel = self.life.asked = None
            self.life.url = ""
            self.life.slots.clear()
            self.request = request
        return request

    async def _close(self, call: Call) -> None:
        self._doing = asyncio.current_task()
        try:
            await self.next.close(call.within(self.life), self.request.connection)
        finally:
            self._doing = None

    async def _close_answer(self, answer: int) -> None:
        async with self.lives.lanes.enter(self.key):
            if not self.current or self.answers != answer:
                return
            try:
                async with asyncio.timeout(self.window):
                    await self._close(self._now())
            finally:
                self.forget()

    def _now(self) -> Call:
        return replace(self.call, deadline=self.lives.clock.ticks() + self.window)
