"""Ask until there is an answer, or no time left."""

import asyncio
import logging

from nsm.errors import Invalid, NsmError, TooLate
from nsm.nouns import replace
from nsm.sdk import Call, Clock, Connection, Element, Handler, Request
from nsm.sdk.backoff import Backoff

log = logging.getLogger(__name__)

TRY = 15.0
"""Seconds one try may take."""
PAUSE, LONGEST_PAUSE = 0.2, 5.0


class Retry(Element):
    """Try again, ever more slowly, until the caller's deadline; outermost, if anywhere.

    What is Invalid stays so and is not tried again; what is Denied, not for half a minute. To stop
    a retry without deadline, cancel it.
    """

    def __init__(self, clock: Clock, each: float = TRY) -> None:
        self.clock = clock
        self.each = each

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        backoff = Backoff(PAUSE, LONGEST_PAUSE)
        while True:
            try:
                return await self.once(call, request, next)
            except Invalid:
                raise
            except NsmError as error:
                pause = backoff.after(error)
                if self.left(call) <= pause:
                    raise
                log.info("asking again in %.1f s: %s", pause, error)
            await self.clock.sleep(pause)

    async def once(self, call: Call, request: Request, next: Handler) -> Connection:
        """One try, in the time one may take."""
        seconds = min(self.each, self.left(call))
        timed = replace(call, deadline=self.clock.ticks() + seconds)
        try:
            async with asyncio.timeout(seconds):
                return await next.request(timed, request)
        except TimeoutError as error:
            raise TooLate(f"no answer within {seconds:.1f} s") from error

    def left(self, call: Call) -> float:
        """Seconds until the caller's deadline."""
        return float("inf") if call.deadline is None else call.deadline - self.clock.ticks()
