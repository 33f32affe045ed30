"""What a running program undoes, tells, and gives up."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from nsm.identity.authority import Authority
from nsm.identity.fake import FakeSource
from nsm.identity.policies import Policies
from nsm.program import Program, place, unless
from nsm.program.running import PATIENCE
from nsm.sdk import Clock
from nsm.sdk.clock import LoopClock
from nsm.sdk.switchboard import Switchboard
from nsm.sdk.testing import party

AUTHORITY = Authority("test", Clock())


@pytest.fixture
def program() -> Program:
    clock, source = LoopClock(), FakeSource.of("spiffe://test/me", AUTHORITY)
    running = Program(name="me", environ={}, identity=source, tokens=source, dialer=None)
    running.clock = clock
    running.dialer = Switchboard(running.tasks, clock).dialer(party("spiffe://test/me", clock))
    return running


async def test_undoing_goes_backwards_and_what_fails_is_said_and_stops_nothing(
    program: Program, caplog
) -> None:
    undone: list[str] = []

    async def undo(name: str) -> None:
        undone.append(name)
        if name == "second":
            raise OSError("the second is stubborn")

    for name in ("first", "second", "third"):
        program.at_exit(lambda name=name: undo(name))
    await program.end()
    assert undone == ["third", "second", "first"]
    assert "the second is stubborn" in caplog.text
    await program.end()
    assert len(undone) == 3, "what is undone is undone once"


@pytest.mark.looptime
async def test_undoing_that_never_ends_is_given_up_after_a_bound(program: Program) -> None:
    undone: list[str] = []

    async def first() -> None:
        undone.append("first")

    program.at_exit(first)
    program.at_exit(asyncio.Event().wait)
    before = program.clock.ticks()
    await program.end()
    assert undone == ["first"]
    assert program.clock.ticks() - before == pytest.approx(PATIENCE)


async def test_at_the_end_nothing_of_the_program_runs_any_more(program: Program) -> None:
    working = program.tasks.start("work", asyncio.Event().wait())
    await program.end()
    assert working.done()
    assert len(program.tasks) == 0


async def test_what_tasks_stand_on_outlives_them(program: Program) -> None:
    story: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            story.append("task")

    async def say(what: str) -> None:
        story.append(what)

    program.tasks.start("work", work())
    await asyncio.sleep(0)
    program.at_exit(lambda: say("served"))
    program.at_last(lambda: say("pool"))
    program.at_last(lambda: say("kernel"))
    program.at_exit(lambda: say("registered"))
    await program.end()
    assert story == ["registered", "served", "task", "kernel", "pool"]


async def test_work_is_done_unless_the_program_is_told_to_stop() -> None:
    async def work() -> str:
        return "done"

    assert await unless(asyncio.Event(), work()) == "done"


@pytest.mark.looptime
async def test_told_to_stop_work_is_cancelled_and_waited_for() -> None:
    stopping, story = asyncio.Event(), []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(1)
            story.append("tidied up")

    asyncio.get_running_loop().call_later(5, stopping.set)
    assert await unless(stopping, work()) is None
    assert story == ["tidied up"]


async def test_what_fails_fails_whoever_waits_for_it() -> None:
    async def work() -> None:
        raise OSError("broken")

    with pytest.raises(OSError, match="broken"):
        await unless(asyncio.Event(), work())


async def test_work_that_cancels_itself_is_no_order_to_stop() -> None:
    async def work() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await unless(asyncio.Event(), work())


async def test_whoever_gives_up_waiting_ends_the_work() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    waiting = asyncio.create_task(unless(asyncio.Event(), work()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert ended.is_set()


def test_only_what_is_known_of_the_place_is_said() -> None:
    environ = {"NODE_NAME": "node-1", "POD_NAME": "", "CLUSTER_NAME": "c-1", "HOME": "/root"}
    assert place(environ) == {"nodeName": "node-1", "clusterName": "c-1"}


async def test_a_socket_of_our_own_goes_with_the_program(program: Program) -> None:
    path = Path(program.own_socket().removeprefix("unix://"))
    assert path.parent.is_dir()
    path.touch()
    await program.end()
    assert not path.parent.exists()


async def test_what_chains_stand_on_is_the_programs_own(program: Program) -> None:
    needs = program.needs(timedelta(milliseconds=750))
    registry = program.registry_needs(timedelta(seconds=1), client=())
    assert (needs.name, needs.dial_timeout, needs.tasks) == ("me", 0.75, program.tasks)
    assert (registry.dial_timeout, registry.client) == (1.0, Policies(()))
    assert registry.server.chosen, "whoever registers is judged"
