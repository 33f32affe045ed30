"""What a test leaves behind in the process it shares with all others."""

import asyncio
import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager

from nsm.sdk import Tasks

TURNS = 20
"""Turns of the loop in which what was told to end must have ended."""


_made: list[Tasks] = []


def ending_tasks() -> Tasks:
    """What keeps tasks that end with the test, for those that leave a connection as it stands."""
    _made.append(Tasks())
    return _made[-1]


@contextmanager
def descriptors_let_go() -> Iterator[None]:
    """What the block opens, it closes; or forgets, so that it is closed with its last reference."""
    before = descriptors()
    yield
    if len(descriptors()) > len(before):
        gc.collect()
    after = descriptors()
    left = sorted(what for fd, what in after.items() if before.get(fd) != what)
    assert len(after) <= len(before), f"left open: {', '.join(left)}"


def descriptors() -> dict[int, str]:
    """Whatever this process has open, but for what looking opens."""
    found = {}
    for fd in map(int, os.listdir("/proc/self/fd")):
        try:
            found[fd] = os.readlink(f"/proc/self/fd/{fd}")
        except OSError:
            continue
    return found


async def tasks_ended() -> None:
    """Nothing runs on this loop but who asks, once what ends with the test is told to."""
    while _made:
        await _made.pop().stop()
    for _ in range(TURNS):
        if not (running := asyncio.all_tasks() - {asyncio.current_task()}):
            return
        await asyncio.sleep(0)
    names = sorted(f"{task.get_name()}: {task.get_coro()}" for task in running)
    assert not names, f"left running: {', '.join(names)}"
