"""Lead a connection to another endpoint, and leave the one it had once the other carries."""

import asyncio
import logging

from nsm.errors import NsmError
from nsm.nouns import replace
from nsm.sdk import Call, Clock, Connection, Element, Handler, Life, Request, Tasks

log = logging.getLogger(__name__)

LINGER = 1.0
"""Seconds the old way stays: whoever is before us has not built the new one yet. Where the new one
took longer to be had, answers are slow: as long as that took."""
FAREWELL = 5.0
"""Seconds that may be spent on closing the old way; what is dead does not answer."""


class MakeBeforeBreak(Element):
    """Where another endpoint is asked for than stands, ask beside what stands: all or nothing.

    Everything after this sees a new connection with the same id, whose life says `instead` of
    which one it is. If it fails, what stood stands as it did.
    """

    def __init__(self, tasks: Tasks, clock: Clock) -> None:
        self.tasks = tasks
        self.clock = clock

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        stood, asked = call.life.last, request.connection
        if not isinstance(stood, Connection) or asked.endpoint in ("", stood.endpoint):
            return await next.request(call, request)
        life, above = call.life, dict(call.life.slots)
        fresh = Life(life.refresh_soon, life.close_soon, life.again, instead=life)
        began = self.clock.ticks()
        conn = await next.request(call.within(fresh), request)
        linger = max(LINGER, self.clock.ticks() - began)
        left = replace(life, url="" if _same_next_hop(stood, conn) else life.url)
        life.slots = {**above, **fresh.slots}
        life.channel, life.url, life.asked = fresh.channel, fresh.url, fresh.asked
        leaving = self._leave(replace(call, to="", channel=None).within(left), stood, next, linger)
        self.tasks.start(f"leave {stood.endpoint} for {conn.endpoint}", leaving)
        return conn

    async def _leave(self, call: Call, stood: Connection, next: Handler, linger: float) -> None:
        await self.clock.sleep(linger)
        try:
            async with asyncio.timeout(FAREWELL):
                await next.close(replace(call, deadline=self.clock.ticks() + FAREWELL), stood)
        except (NsmError, TimeoutError) as error:  # most often it is dead, and that is why we left
            log.info("could not close %s at %s: %s", stood.id, stood.endpoint, error)


def _same_next_hop(stood: Connection, now: Connection) -> bool:
    """Whether it is the next hop that left: what it has of us is the new way by now."""
    at = stood.hops.index + 1
    before, after = stood.hops.segments[at : at + 1], now.hops.segments[at : at + 1]
    return bool(before and after) and before[0].id == after[0].id
