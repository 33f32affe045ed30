"""What a test leaves open or running is noticed, whatever test it is."""

import asyncio
import os

import pytest
from tests.leaving import descriptors_let_go, tasks_ended


def test_a_descriptor_left_open_is_said() -> None:
    planted: list[int] = []
    with pytest.raises(AssertionError, match="left open: pipe"), descriptors_let_go():
        planted += os.pipe()
    for fd in planted:
        os.close(fd)


def test_what_is_closed_with_its_last_reference_is_let_go() -> None:
    class Kept:
        def __init__(self) -> None:
            self.fd = os.dup(0)
            self.itself = self

        def __del__(self) -> None:
            os.close(self.fd)

    with descriptors_let_go():
        Kept()


async def test_a_task_left_running_is_said() -> None:
    planted = asyncio.create_task(asyncio.Event().wait(), name="planted")
    with pytest.raises(AssertionError, match="left running: planted"):
        await tasks_ended()
    planted.cancel()
    await tasks_ended()


def test_every_test_is_looked_at(request: pytest.FixtureRequest) -> None:
    assert {"nothing_goes_on", "nothing_stays_open"} <= {*request.fixturenames}


async def test_also_what_its_loop_runs(request: pytest.FixtureRequest) -> None:
    assert request.getfixturevalue("every_task_ends") is None
