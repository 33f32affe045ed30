"""Which request begins next, where more arrive than can be served at once."""

import asyncio
from collections import deque

LONG = 5.0
"""Seconds after which whoever came first is no longer first: a third of the patience that callers
have, so that what is begun later is answered in time, and not everybody too late."""


class Turns:
    """Let one request begin in each turn of the loop, so that what was begun is finished first.

    Without it a thousand that arrive together are all served at once, each as slowly as the last,
    until every caller's patience ends and it asks again: nobody is ever answered. Nothing is held,
    so a request that waits for another of ours (an endpoint that passes on) is not in its way; nor
    does anything else wait here, for registrations are what requests wait for. In the order they
    came, but the newest first as soon as the oldest has waited long.
    """

    def __init__(self) -> None:
        self._waiting: deque[tuple[float, asyncio.Future[None]]] = deque()
        self._taken = False

    def __len__(self) -> int:
        return len(self._waiting)

    async def mine(self) -> None:
        """Wait for it; who is cancelled meanwhile is passed over."""
        loop = asyncio.get_running_loop()
        if not self._taken:
            self._taken = True
            loop.call_soon(self._next, loop)
            return
        turn = loop.create_future()
        self._waiting.append((loop.time(), turn))
        await turn

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        while self._waiting:
            late = loop.time() - self._waiting[0][0] > LONG
            _, turn = self._waiting.pop() if late else self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                loop.call_soon(self._next, loop)
                return
        self._taken = False
