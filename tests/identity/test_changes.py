"""Waiting for changes."""

import asyncio

import pytest

from nsm.identity.changes import Changes


@pytest.mark.looptime
async def test_whoever_waits_hears_of_the_next_change() -> None:
    changes = Changes()
    waiting = [asyncio.ensure_future(changes.past(0)) for _ in range(2)]
    await asyncio.sleep(1)
    assert not any(each.done() for each in waiting)
    changes.mark()
    assert await asyncio.gather(*waiting) == [1, 1]


async def test_a_change_that_was_missed_is_heard_of_at_once() -> None:
    changes = Changes()
    changes.mark()
    assert await changes.past(0) == 1


@pytest.mark.looptime
async def test_whoever_gives_up_is_forgotten() -> None:
    changes = Changes()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await changes.past(0)
    changes.mark()
    assert not changes._waiting
