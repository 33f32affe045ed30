"""Undo downstream when something fails on the way back up."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from nsm.api.connection import Connection
from nsm.errors import TooLate
from nsm.nouns import replace
from nsm.sdk.call import Call
from nsm.sdk.handler import Handler

log = logging.getLogger(__name__)
GRACE = 15.0
"""Seconds an undo may take, even when the request it undoes is already cancelled."""

GIVEN_UP = (asyncio.CancelledError, TimeoutError, TooLate)
"""Says nothing of whether the connection can be had."""


@asynccontextmanager
async def closing_on_error(next: Handler, call: Call, conn: Connection) -> AsyncIterator[None]:
    """If the block fails, close `conn` at `next`, then let the failure through.

    For a *new* connection only: a failed refresh keeps what stands. So does one that `goes_on` from
    before we were started, where its asker has only given up: it may carry, and be asked for again.
    The undo has a deadline of its own: the request's may be what has just passed.
    """
    try:
        yield
    except BaseException as error:
        if call.goes_on and isinstance(error, GIVEN_UP):
            raise
        try:
            undoing = replace(call, deadline=asyncio.get_running_loop().time() + GRACE)
            async with asyncio.timeout(GRACE):
                await asyncio.shield(next.close(undoing, conn))
        except Exception:
            log.warning("could not undo %s", conn.id, exc_info=True)
        raise
