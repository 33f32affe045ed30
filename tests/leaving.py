"""What a test leaves behind in the process it shares with all others, and on its host."""

import asyncio
import gc
import os
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from types import AsyncGeneratorType, CoroutineType, FrameType

from nsm.sdk import Tasks
from nsm.sim.folders import MEMORY, maker_of
from nsm.world.state import read_state

from .ours import MARK, RUN

TURNS = 20
"""Turns of the loop in which what was told to end must have ended."""
MESHES, NAMED = RUN, Path("/run/netns")
PATIENCE = 5.0
"""Seconds in which files must have gone that are on their way."""


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


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Whatever asks for a temporary file has it here, where nobody else's are.

    Its path is short, as those of sockets must be, and whoever may use /tmp may use it.
    """
    before, told = tempfile.gettempdir(), os.environ.get("TMPDIR")
    folder = Path(tempfile.mkdtemp(prefix="nsm-"))
    folder.chmod(0o1777)
    tempfile.tempdir = os.environ["TMPDIR"] = str(folder)
    try:
        yield folder
    finally:
        tempfile.tempdir = before
        os.environ.pop("TMPDIR")
        if told is not None:
            os.environ["TMPDIR"] = told
    folder.rmdir()


@contextmanager
def files_removed() -> Iterator[None]:
    """What the block makes outside of pytest's folders, it removes."""
    before = files()
    yield
    late = time.monotonic() + PATIENCE
    while (left := files() - before) and time.monotonic() < late:
        time.sleep(0.05)
    assert not left, f"left behind: {', '.join(sorted(left))}"


def files() -> set[str]:
    """What this lane of the tests has made, but for meshes that are up: a module may share one."""
    temporary = tempfile.gettempdir()
    found = {f"{temporary}/{name}" for name in os.listdir(temporary)}
    for place in (MESHES, NAMED, MEMORY):
        with suppress(FileNotFoundError):
            found |= {f"{place}/{name}" for name in os.listdir(place) if _is_ours(place, name)}
    return found


def _is_ours(place: Path, name: str) -> bool:
    if MARK in name:
        return place != MESHES or not _is_up(place / name)
    maker = maker_of(name)
    return maker is not None and (maker == os.getpid() or not Path(f"/proc/{maker}").exists())


def _is_up(folder: Path) -> bool:
    state = read_state(folder / "state.json")
    return state is not None and state.supervisor.alive


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


@asynccontextmanager
async def nothing_holds_itself() -> AsyncIterator[None]:
    """What the block makes of ours and lets go of is gone at once, without being looked for.

    Whatever is left to the garbage collector adds up for minutes, and to tens of MB.
    """
    gc.collect()
    gc.disable()
    try:
        yield
        for _ in range(TURNS):
            await asyncio.sleep(0)
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        found = Counter(filter(None, map(_of_ours, gc.garbage)))
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert not found, f"holds itself: {dict(found)}"


def _of_ours(thing: object) -> str:
    """What a thing is called that is ours, or runs code of ours."""
    code = getattr(thing, "f_code" if isinstance(thing, FrameType) else "", None)
    if isinstance(thing, CoroutineType | AsyncGeneratorType):
        return thing.__qualname__
    if code is not None:
        return str(code.co_qualname) if f"{os.sep}nsm{os.sep}" in code.co_filename else ""
    kind = type(thing)
    return kind.__qualname__ if str(kind.__module__).startswith("nsm.") else ""
