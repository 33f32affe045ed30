"""On this loop time passes only while everybody waits, and an end to all is an error."""

import asyncio
from time import perf_counter

import pytest

from nsm.sim.loop import Stuck, live


def test_an_hour_takes_no_time_and_happens_in_order() -> None:
    async def hour() -> list[float]:
        at: list[float] = []

        async def wake(after: float) -> None:
            await asyncio.sleep(after)
            at.append(asyncio.get_running_loop().time())

        await asyncio.gather(wake(3600), wake(1), wake(60))
        return at

    begun = perf_counter()
    assert live(hour()) == [1, 60, 3600]
    assert perf_counter() - begun < 60


def test_waiting_for_what_never_comes_is_found() -> None:
    async def forever() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Stuck):
        live(forever())
