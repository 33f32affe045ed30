"""On this loop time passes only while everybody waits, and an end to all is an error."""

import asyncio
import itertools
import weakref
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


@pytest.mark.parametrize("pause", [0.0, 1e-300])
def test_going_in_circles_is_found(pause: float) -> None:
    async def busy() -> None:
        await asyncio.sleep(1)
        for _ in itertools.count():
            await asyncio.sleep(pause)

    with pytest.raises(Stuck, match="no time passes"):
        live(busy())


def test_what_is_due_at_once_happens_in_the_order_it_was_asked_for() -> None:
    async def many() -> list[int]:
        loop, at = asyncio.get_running_loop(), list[int]()
        for number in range(50):
            loop.call_at(5.0, at.append, number)
        await asyncio.sleep(5)
        return at

    assert live(many()) == list(range(50))


def test_no_time_passes_for_what_was_dropped_and_nothing_is_kept_for_it() -> None:
    class Held:
        def ring(self) -> None:
            raise AssertionError("it was dropped")

    async def dropped() -> float:
        loop, held = asyncio.get_running_loop(), Held()
        gone = weakref.ref(held)
        late, soon = loop.call_later(60, held.ring), loop.call_soon(held.ring)
        late.cancel()
        soon.cancel()
        assert late.cancelled()
        assert late.when() == 60
        del held
        assert gone() is None
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 2)
        return loop.time()

    assert live(dropped()) == 2


def test_waiting_only_for_what_was_dropped_is_waiting_for_ever() -> None:
    async def forever() -> None:
        asyncio.get_running_loop().call_later(60, print).cancel()
        await asyncio.Event().wait()

    with pytest.raises(Stuck, match="nothing is left"):
        live(forever())


def test_a_call_that_fails_is_told_of_and_ends_nothing() -> None:
    async def failing() -> list[str]:
        loop, told = asyncio.get_running_loop(), list[str]()
        loop.set_exception_handler(lambda _, what: told.append(repr(what["exception"])))
        loop.call_soon(lambda: 1 / 0)
        await asyncio.sleep(1)
        return told

    assert live(failing()) == ["ZeroDivisionError('division by zero')"]


def test_what_threads_would_do_is_done_at_once() -> None:
    async def threads() -> tuple[int, float]:
        done = await asyncio.to_thread(lambda: 7)
        with pytest.raises(ValueError, match="no"):
            await asyncio.to_thread(int, "no")
        return done, asyncio.get_running_loop().time()

    assert live(threads()) == (7, 0)
