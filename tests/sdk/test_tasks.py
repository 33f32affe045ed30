import asyncio
import gc
import logging

import pytest
from tests.leaving import nothing_holds_itself

from nsm.errors import Unreachable
from nsm.sdk import Tasks

pytestmark = pytest.mark.looptime


async def test_what_runs_is_kept_by_name_until_it_is_done() -> None:
    tasks = Tasks()
    task = tasks.start("nap", asyncio.sleep(1))
    gc.collect()
    assert (task.get_name(), len(tasks)) == ("nap", 1)
    await asyncio.sleep(2)
    assert len(tasks) == 0


async def test_what_failed_is_said_by_name(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise ValueError("odd")

    tasks = Tasks()
    with caplog.at_level(logging.ERROR):
        await tasks.start("oddity", fail())
    assert caplog.messages == ["oddity failed"]
    assert caplog.records[0].exc_info


async def test_what_is_stopped_does_not_hold_itself_though_it_knows_its_task() -> None:
    tasks = Tasks()

    async def wait() -> None:
        async with asyncio.timeout(60) as limit:  # which knows the task
            await asyncio.Event().wait()
        assert limit

    async with nothing_holds_itself():
        task = tasks.start("wait", wait())
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.sleep(1)
        assert task.cancelled()
        del task


async def test_what_says_why_it_failed_is_said_in_a_line(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise Unreachable("nobody is there")

    await Tasks().start("asking", fail())
    assert caplog.messages == ["asking failed: nobody is there"]
    assert not caplog.records[0].exc_info


async def test_everything_stops_with_its_owner() -> None:
    tasks, ended = Tasks(), []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(1)
            ended.append("work")
            tasks.start("late", asyncio.sleep(60))

    tasks.start("work", work())
    tasks.start("never began", work()).cancel()
    await asyncio.sleep(1)
    await tasks.stop()
    assert ended == ["work"]
    assert len(tasks) == 0


async def test_what_is_cancelled_before_it_began_leaves_nothing_behind() -> None:
    tasks = Tasks()
    tasks.start("never", asyncio.sleep(1)).cancel()
    await tasks.stop()
    gc.collect()  # an un-awaited coroutine would warn, and warnings are errors


async def test_after_the_stop_nothing_is_begun() -> None:
    tasks, began = Tasks(), []

    async def work() -> None:
        began.append("work")

    await tasks.stop()
    await tasks.start("late", work())
    assert began == []
