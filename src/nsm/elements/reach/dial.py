"""Find the way to where a call is to go."""

import asyncio
import logging

from nsm.errors import NsmError, TooLate, Unreachable
from nsm.nouns import replace
from nsm.sdk import Call, Channel, Clock, Connection, Dialer, Element, Handler, Request

log = logging.getLogger(__name__)

FAREWELL = 2.0
"""Seconds that may be spent on closing where the connection used to go."""


class Dial(Element):
    """Put a channel to the call's URL into the call and into its life, pooled or new.

    `timeout` bounds a dial, 0 leaves that to the caller's deadline. Where the URL has changed, the
    connection is first closed at the old one: two hops must not build the same vWire.
    """

    def __init__(self, dialer: Dialer, clock: Clock, timeout: float = 0.0) -> None:
        self.dialer = dialer
        self.clock = clock
        self.timeout = timeout

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        if not call.to:
            return await next.request(call, request)
        before = call.life.url
        if before and before != call.to:
            await self._leave(call.towards(before), request.connection, next)
        try:
            return await self._ask(call, request, next)
        except BaseException:
            if call.life.last is None:
                self._forget(call)
            raise

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        url = call.to or call.life.url
        try:
            if url:
                await self._close(call.towards(url), conn, next)
            else:
                await next.close(call, conn)
        finally:
            self._forget(call)

    async def _ask(self, call: Call, request: Request, next: Handler) -> Connection:
        channel = await self._dial(call)
        try:
            return await next.request(self._through(channel, call, request), request)
        except Unreachable:
            again = await self._dial(call)
            if again is channel:  # it still holds: someone further on was not to be reached
                raise
        return await next.request(self._through(again, call, request), request)

    def _through(self, channel: Channel, call: Call, request: Request) -> Call:
        life = call.life
        life.channel, life.url, life.asked = channel, call.to, request.connection
        return replace(call, channel=channel)

    async def _close(self, call: Call, conn: Connection, next: Handler) -> None:
        try:
            channel = await self._dial(call)
        except NsmError:
            await next.close(replace(call, channel=None), conn)
            raise
        await next.close(replace(call, channel=channel), conn)

    async def _leave(self, call: Call, conn: Connection, next: Handler) -> None:
        try:
            async with asyncio.timeout(FAREWELL):
                await self._close(call, conn, next)
        except Exception as error:  # most often it is gone, and that is why we leave
            log.info("could not close %s at %s: %s", conn.id, call.to, error)
        self._forget(call)

    async def _dial(self, call: Call) -> Channel:
        left = None if call.deadline is None else call.deadline - self.clock.ticks()
        if left is not None and left <= 0:
            raise TooLate(f"no time left to dial {call.to}")
        bounds = [seconds for seconds in (left, self.timeout) if seconds]
        return await self.dialer.dial(call.to, min(bounds, default=None))

    def _forget(self, call: Call) -> None:
        call.life.channel = call.life.asked = None
        call.life.url = ""
