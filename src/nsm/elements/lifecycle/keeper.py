"""What `Heal` does for one connection."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from nsm.api.connection import DOWN, Connection
from nsm.elements.lifecycle.patience import Patience
from nsm.sdk import Clock, Life, Tasks
from nsm.sdk.backoff import Backoff
from nsm.sdk.call import Change
from nsm.sdk.convoy import Convoy
from nsm.sdk.watching import Interest, Watching

log = logging.getLogger(__name__)

PAUSE, LONGEST_PAUSE = 0.05, 2.0
"""Seconds between tries to heal, after the first, which is made at once."""
CALM = 10.0
"""Seconds a connection must have stood for its next failure to be met without a pause."""
QUICK = 0.1
"""Seconds for an answer at least, once the next hop said DOWN: enough to look elsewhere."""
SLOWER = 8
"""How much longer than lately an answer may take then."""

Question = Callable[[Connection], Awaitable[bool]]
News = Callable[[Connection], Awaitable[object]]
Noticed = Callable[[str, str], None]
"""Told the id of a connection, and what says that it may no longer be as it was."""


@dataclass(frozen=True, slots=True)
class Liveness:
    """Whether packets still pass: asked `every` so many seconds, and given so many `within`.

    `elsewhere` says whether somebody else serves the same: then what carries, but can no longer be
    had as it is, is moved there. Where nobody does, it is kept for as long as it carries. `news`
    waits for the next word of who serves: what could not be had may be tried again. `was_moved`
    says whether it stands as we have never heard: it was moved, and the answer was lost.
    """

    alive: Question
    every: float = 0.2
    within: float = 1.0
    elsewhere: Question | None = None
    news: News | None = None
    was_moved: Question | None = None

    async def says(self, question: Question, conn: Connection, within: float | None = None) -> bool:
        """What a question is answered; no, where no answer comes in time."""
        try:
            async with asyncio.timeout(self.within if within is None else within):
                return await question(conn)
        except Exception as error:
            log.info("could not see how %s is: %s", conn.id, error)
            return False


@dataclass(frozen=True, slots=True)
class Keeping:
    """What all keepers of one element share."""

    tasks: Tasks
    convoy: Convoy
    liveness: Liveness | None
    change: Change
    move: Change
    noticed: Noticed

    @property
    def clock(self) -> Clock:
        """By which all of them wait."""
        return self.convoy.clock


class Keeper:
    """Listens to what the next hop says of one connection, looks whether it carries, mends it."""

    def __init__(self, keeping: Keeping, life: Life, watching: Watching, conn: Connection) -> None:
        self.keeping = keeping
        self.life = life
        self.conn = conn
        self.interest: Interest = watching.interest(conn, self)
        self.backoff = Backoff(PAUSE, LONGEST_PAUSE)
        self.patience = Patience(keeping.clock)
        self.since = float("-inf")
        self.took = 0.0
        self.broken = self.dead = self.moved = False
        self.mending: asyncio.Task[None] | None = None
        self.looking: asyncio.Task[None] | None = None

    def pause(self) -> None:
        """A request goes out: whoever asked, what we were about to do is being done."""
        self.interest.expect()
        self._leave_off()

    def stands(self, conn: Connection) -> None:
        """It succeeded."""
        self.conn, self.broken, self.dead = conn, False, False
        self.since, self.patience = self.keeping.clock.ticks(), Patience(self.keeping.clock)
        self.mending = None
        self.interest.settle(self.life, conn)
        self._look()

    def failed(self, error: BaseException, known: bool) -> None:
        """It failed, whoever asked; if a connection stood before, it is still ours to keep."""
        if not known:
            self.interest.drop()
            return
        self.patience.failed(error, self.conn)
        self.interest.give_up()
        if self.broken:
            self._mend()
        else:
            self._look()

    def closing(self) -> bool:
        """It is being closed; whether by ourselves, to ask for another."""
        self.interest.drop()
        self._leave_off()
        return self.mending is not None

    def heard(self, kind: int, conn: Connection) -> None:
        """The next hop has news."""
        if conn.state == DOWN:
            self._tell("the next hop says that it is down")
            self._broke()

    def lost(self) -> None:
        """The next hop is gone."""
        self._tell("the next hop is gone")
        self._broke()

    def _broke(self, *, dead: bool = False) -> None:
        if not self.broken and self.keeping.clock.ticks() - self.since > CALM:
            self.backoff.reset()
        self.broken, self.dead = True, self.dead or dead
        log.info("%s no longer carries", self.conn.id)
        self._mend()

    def _tell(self, why: str) -> None:
        if not self.broken:
            self.keeping.noticed(self.conn.id, why)

    def _mend(self) -> None:
        if self.mending is None:
            self.mending = self.keeping.tasks.start(f"heal {self.conn.id}", self._heal())

    async def _heal(self) -> None:
        pause = self._first_pause()
        while self.broken:
            await self._rest(max(pause, self.keeping.convoy.pause))
            try:
                remedy = await self._remedy(late=self.patience.is_over)
                async with self.keeping.convoy.turn():
                    if await self.life.again(remedy) is None:
                        return
            except Exception as error:
                pause = self.backoff.after(error)
                log.info("could not heal %s, again in %.1f s: %s", self.conn.id, pause, error)

    async def _remedy(self, *, late: bool) -> Change | None:
        """How to ask: for what stands while it carries; else beside it, elsewhere; else anew.

        A short look is enough to move, which breaks nothing. Only what a long look finds dead is
        given up before there is another.
        """
        if self.keeping.liveness is None:
            return self.keeping.change
        if self.dead:
            return await self._elsewhere() or self.keeping.change
        if await self._carries(max(QUICK, SLOWER * self.took)):
            return await self._elsewhere(again=True) if late else None
        if move := await self._elsewhere():
            return move
        if await self._carries():
            return await self._elsewhere(again=True) if late else None
        self.dead = True
        return self.keeping.change

    async def _elsewhere(self, *, again: bool = False) -> Change | None:
        """The move to whoever else serves; unless `again`, once, for it may not be what helps."""
        liveness = self.keeping.liveness
        if liveness is None or liveness.elsewhere is None:
            return None
        if self.moved and not again and not await self._was_moved(liveness):
            return None
        if not await liveness.says(liveness.elsewhere, self.conn):
            return None
        self.moved = True
        return self.keeping.move

    async def _was_moved(self, liveness: Liveness) -> bool:
        asked = liveness.was_moved
        return asked is not None and await liveness.says(asked, self.conn)

    async def _rest(self, pause: float) -> None:
        """Wait so long, or until there is news of who serves."""
        liveness = self.keeping.liveness
        if not pause or liveness is None or liveness.news is None:
            await self.keeping.clock.sleep(pause)
            return
        try:
            async with asyncio.timeout(pause):
                await liveness.news(self.conn)
            self.backoff.reset()
            self.keeping.convoy.go_on()
        except TimeoutError:
            return

    def _first_pause(self) -> float:
        first = self.backoff.tries == 0
        pause = self.backoff.pause()
        return 0.0 if first else pause

    def _look(self) -> None:
        if self.keeping.liveness and not self.looking:
            work = self._keep_looking(self.keeping.liveness.every)
            self.looking = self.keeping.tasks.start(f"look at {self.conn.id}", work)

    async def _keep_looking(self, every: float) -> None:
        if self.moved and await self._carries(QUICK):
            self.moved = False  # the move helped, and if this one fails at once, so may another
        while True:
            await self.keeping.clock.sleep(every)
            began = self.keeping.clock.ticks()
            if not await self._carries():
                self._tell("no echo comes back")
                self.looking = None
                self._broke(dead=True)
                return
            self.took, self.moved = max(self.keeping.clock.ticks() - began, self.took * 0.9), False

    async def _carries(self, within: float = float("inf")) -> bool:
        liveness = self.keeping.liveness
        if liveness is None:
            return False
        return await liveness.says(liveness.alive, self.conn, min(within, liveness.within))

    def _leave_off(self) -> None:
        """Stop what runs, except the very task that is asking."""
        for task in (self.mending, self.looking):
            if task and task is not asyncio.current_task():
                task.cancel()
        self.looking = None
        if self.mending is not asyncio.current_task():
            self.mending = None
