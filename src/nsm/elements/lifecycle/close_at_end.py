"""Leave nothing open with those who come after us."""

import asyncio
import logging

from nsm.nouns import replace
from nsm.sdk import Call, Clock, Connection, Element, Handler, Request

log = logging.getLogger(__name__)

GOODBYE = 5.0
"""Seconds that all closes together may take: what is not closed by then expires."""


class CloseAtEnd(Element):
    """Close, when the program ends, whatever nobody has closed before."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.open: dict[str, tuple[Call, Connection, Handler]] = {}

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        conn = await next.request(call, request)
        self.open[conn.id] = (call, conn, next)
        return conn

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        self.open.pop(conn.id, None)
        await next.close(call, conn)

    async def end(self) -> None:
        """Close all side by side, within a bound; to be called when nobody can ask any more."""
        left, self.open = self.open, {}
        deadline = self.clock.ticks() + GOODBYE
        closing = (
            next.close(replace(call, deadline=deadline), conn) for call, conn, next in left.values()
        )
        try:
            async with asyncio.timeout(GOODBYE):
                ended = await asyncio.gather(*closing, return_exceptions=True)
        except TimeoutError:
            log.warning("not everything could be closed within %.0f s", GOODBYE)
            return
        for id, how in zip(left, ended, strict=True):
            if isinstance(how, Exception):
                log.info("could not close %s: %s", id, how)
