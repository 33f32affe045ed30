"""Ask again before the first token on the way runs out."""

import asyncio
import logging

from nsm.api.paths import refresh_in
from nsm.sdk import Call, Connection, Element, Handler, Life, Request, Slot, Tasks
from nsm.sdk.backoff import Backoff
from nsm.sdk.convoy import Convoy

log = logging.getLogger(__name__)

SOONEST = 0.2
"""Seconds between an answer and the next refresh at least."""
RETRY, RETRY_AT_MOST = 0.2, 5.0
"""Seconds before a failed refresh is tried again, at first and at most."""


class Refresh(Element):
    """Set each connection to be asked for again while all its tokens are still good (W §1.7)."""

    def __init__(self, tasks: Tasks, convoy: Convoy) -> None:
        self.tasks = tasks
        self.convoy = convoy
        self.clock = convoy.clock
        self.waiting = Slot[asyncio.Task[None]]()
        self.haste = Slot[Backoff]()

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        conn = await next.request(call, request)
        self.stop(call)
        pause = refresh_in(conn.hops, self.clock.now())
        if pause is not None:
            work = self.refresh(call.life, self.unhurried(call, pause))
            self.waiting.put(call, self.tasks.start(f"refresh {conn.id}", work))
        return conn

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        self.stop(call)
        await next.close(call, conn)

    def stop(self, call: Call) -> None:
        """Someone else asked or closed: what we waited for is done."""
        waiting = self.waiting.take(call)
        if waiting and waiting is not asyncio.current_task():
            waiting.cancel()

    def unhurried(self, call: Call, pause: float) -> float:
        """That pause, or one that grows where tokens on the way have always run out already."""
        haste = self.haste.get(call) or Backoff(SOONEST, RETRY_AT_MOST)
        self.haste.put(call, haste)
        if pause > SOONEST:
            haste.reset()
            return pause
        return max(SOONEST, haste.pause())

    async def refresh(self, life: Life, pause: float) -> None:
        """Wait, then ask until there is an answer."""
        backoff = Backoff(RETRY, RETRY_AT_MOST)
        while True:
            await self.clock.sleep(pause)
            try:
                async with self.convoy.turn():
                    await life.again(None)
                return
            except Exception as error:
                pause = backoff.after(error)
                log.info("refresh failed, again in %.1f s: %s", pause, error)
