"""Two questions at the same time."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

A = TypeVar("A")
B = TypeVar("B")


async def both(one: Coroutine[Any, Any, A], other: Coroutine[Any, Any, B]) -> tuple[A, B]:
    """What both come to; the failure of either ends the other, and is raised as it is.

    Whoever waited for a `TaskGroup` in which something failed counts as cancelled once more than it
    was; up to Python 3.11.2 none of its own time-outs ends in TimeoutError after that.
    """
    loop = asyncio.get_running_loop()
    first, second = loop.create_task(one), loop.create_task(other)
    try:
        try:
            await asyncio.wait((first, second), return_when=asyncio.FIRST_EXCEPTION)
        finally:
            first.cancel()
            second.cancel()
            await asyncio.gather(first, second, return_exceptions=True)
        if first.cancelled():
            second.result()
        return first.result(), second.result()
    finally:
        del first, second  # what they raise would hold this frame, and so them
