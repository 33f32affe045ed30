"""Processes are started in order, watched, started again, and left alone when someone says so."""

import asyncio
import signal
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from nsm.errors import NotFound
from nsm.sdk import Tasks
from nsm.sdk.clock import LoopClock
from nsm.world.forkserver import Ended, Started
from nsm.world.jobs import PATIENCE, Job, Jobs, Stage
from nsm.world.plan import Process
from nsm.world.programs import OurProgram, UserProgram

pytestmark = pytest.mark.looptime


@dataclass(frozen=True, slots=True)
class Fake(Started):
    """A process that ends when it is told to, unless it is stubborn."""

    ended: Callable[[int | None], None] = print
    stubborn: bool = False

    @property
    def alive(self) -> bool:
        return True

    def signal(self, number: int) -> bool:
        if number == signal.SIGKILL or (number == signal.SIGTERM and not self.stubborn):
            asyncio.get_running_loop().call_soon(self.ended, -number)
        return True


@dataclass
class Host:
    """Starts fakes, and remembers which."""

    running: dict[str, Fake] = field(default_factory=dict)
    begun: list[str] = field(default_factory=list)
    stubborn: bool = False
    failing: bool = False

    async def spawn(self, process: Process, ended: Ended) -> Started:
        if self.failing:
            raise NotFound("the namespace is gone")
        self.begun.append(process.who)
        fake = Fake(len(self.begun), 1, ended, self.stubborn)
        self.running[process.who] = fake
        return fake

    def end(self, who: str, status: int | None) -> None:
        self.running.pop(who).ended(status)


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
def jobs(host: Host) -> Jobs:
    return Jobs(host.spawn, LoopClock(), Tasks(), lambda _: None)


def process(who: str, **said: object) -> Process:
    plain = {"kind": "node", "namespace": who, "launch": OurProgram("x"), "environ": {}}
    return Process(who=who, name=who, **{**plain, **said})  # type: ignore[arg-type]


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def stage(jobs: Jobs, who: str) -> Stage:
    return jobs.get(who).stage


async def test_what_comes_after_something_waits_until_that_is_ready(jobs: Jobs, host: Host) -> None:
    jobs.add([process("a"), process("b", after=("a",))])
    await settled()
    assert host.begun == ["a"]
    jobs.is_ready(jobs.get("a"))
    await settled()
    assert host.begun == ["a", "b"]
    assert stage(jobs, "b") is Stage.STARTING


async def test_what_would_rather_be_behind_something_waits_for_a_while_only(
    jobs: Jobs, host: Host
) -> None:
    jobs.add([process("a"), process("b", behind=("a",))])
    await asyncio.sleep(PATIENCE - 0.1)
    assert host.begun == ["a"]
    await asyncio.sleep(0.2)
    assert host.begun == ["a", "b"]


async def test_a_users_program_is_ready_when_it_runs(jobs: Jobs, host: Host) -> None:
    jobs.add([process("a", launch=UserProgram(("sleep",))), process("b", after=("a",))])
    await settled()
    assert host.begun == ["a", "b"]


async def test_what_is_ready_before_anyone_knows_that_it_runs_is_left_alone(host: Host) -> None:
    jobs: Jobs

    async def slow(process: Process, ended: Ended) -> Started:
        jobs.is_ready(jobs.get(process.who))
        return await host.spawn(process, ended)

    jobs = Jobs(slow, LoopClock(), Tasks(), lambda _: None)
    jobs.add([process("a")])
    await asyncio.sleep(1)
    assert stage(jobs, "a") is Stage.UP
    assert host.begun == ["a"]


async def test_what_is_killed_while_it_begins_does_not_stay(host: Host) -> None:
    async def slow(process: Process, ended: Ended) -> Started:
        await asyncio.sleep(1)
        return await host.spawn(process, ended)

    jobs = Jobs(slow, LoopClock(), Tasks(), lambda _: None)
    jobs.add([process("a")])
    await settled()
    await jobs.kill(jobs.get("a"), signal.SIGKILL)
    await asyncio.sleep(2)
    assert stage(jobs, "a") is Stage.HELD
    assert jobs.get("a").pid is None


async def test_what_is_restarted_while_it_begins_runs_once(host: Host) -> None:
    slow, alive = asyncio.Event(), set[int]()

    async def spawn(process: Process, ended: Ended) -> Started:
        await slow.wait()
        one = await host.spawn(process, lambda status: (alive.discard(one.pid), ended(status)))
        alive.add(one.pid)
        return one

    jobs = Jobs(spawn, LoopClock(), Tasks(), lambda _: None)
    jobs.add([process("a")])
    await settled()
    await jobs.restart(jobs.get("a"))
    slow.set()
    await settled()
    assert alive == {jobs.get("a").pid}
    assert stage(jobs, "a") is Stage.STARTING


async def test_what_dies_by_itself_is_started_again_and_counted(jobs: Jobs, host: Host) -> None:
    jobs.add([process("a")])
    await settled()
    for times in (1, 2, 3):
        host.end("a", 1)
        assert stage(jobs, "a") is Stage.PAUSING
        await asyncio.sleep(2)
        assert jobs.get("a").restarts == times
        assert stage(jobs, "a") is Stage.STARTING


async def test_what_dies_again_and_again_is_started_ever_more_slowly(
    jobs: Jobs, host: Host
) -> None:
    jobs.add([process("a")])
    await settled()
    for _ in range(8):
        host.end("a", 1)
        await asyncio.sleep(20)
    host.end("a", 1)
    await asyncio.sleep(5)
    assert stage(jobs, "a") is Stage.PAUSING


@pytest.mark.parametrize(
    ("restart", "status", "again"),
    [
        ("always", 0, True),
        ("on-failure", 0, False),
        ("on-failure", 1, True),
        ("on-failure", -9, True),
        ("on-failure", None, True),
        ("never", 1, False),
    ],
)
async def test_what_ended_is_started_again_as_it_asked(
    jobs: Jobs, host: Host, restart: str, status: int | None, again: bool
) -> None:
    jobs.add([process("a", restart=restart)])
    await settled()
    host.end("a", status)
    await asyncio.sleep(1)
    assert stage(jobs, "a") is (Stage.STARTING if again else Stage.DONE)


async def test_what_was_killed_stays_down_until_it_is_restarted(jobs: Jobs, host: Host) -> None:
    jobs.add([process("a")])
    await settled()
    await jobs.kill(jobs.get("a"), signal.SIGKILL)
    await asyncio.sleep(60)
    assert stage(jobs, "a") is Stage.HELD
    assert jobs.get("a").restarts == 0
    assert jobs.get("a").pid is None
    await jobs.restart(jobs.get("a"))
    await settled()
    assert stage(jobs, "a") is Stage.STARTING


async def test_a_signal_that_ends_nothing_changes_nothing(jobs: Jobs, host: Host) -> None:
    jobs.add([process("a")])
    await settled()
    await jobs.kill(jobs.get("a"), signal.SIGSTOP)
    assert stage(jobs, "a") is Stage.STARTING


async def test_what_does_not_end_when_asked_is_ended(jobs: Jobs, host: Host) -> None:
    host.stubborn = True
    jobs.add([process("a")])
    await settled()
    await jobs.stop(jobs.get("a"))
    assert jobs.get("a").started is None


async def test_killing_between_two_lives_holds_it_down(jobs: Jobs, host: Host) -> None:
    jobs.add([process("a")])
    await settled()
    host.end("a", 1)
    await jobs.kill(jobs.get("a"), signal.SIGKILL)
    await asyncio.sleep(60)
    assert host.begun == ["a"]


async def test_what_cannot_be_started_is_tried_again(jobs: Jobs, host: Host) -> None:
    host.failing = True
    jobs.add([process("a")])
    await settled()
    assert stage(jobs, "a") is Stage.PAUSING
    host.failing = False
    await asyncio.sleep(1)
    assert stage(jobs, "a") is Stage.STARTING


async def test_what_is_done_once_a_life_is_done_again_for_the_next(jobs: Jobs, host: Host) -> None:
    once = process("s", after=("r",), restart="on-failure", repeats=True)
    jobs.add([process("r"), once, process("e", after=("s",))])
    await settled()
    jobs.is_ready(jobs.get("r"))
    await settled()
    host.end("s", 0)
    await settled()
    assert host.begun == ["r", "s", "e"]
    host.end("r", -9)
    await asyncio.sleep(1)
    jobs.is_ready(jobs.get("r"))
    await settled()
    assert host.begun == ["r", "s", "e", "r", "s"]


async def test_nothing_starts_again_while_all_is_stopped(jobs: Jobs, host: Host) -> None:
    jobs.add([process("a"), process("b", kind="client")])
    await settled()
    await jobs.stop_all(("client",))
    assert jobs.get("b").started is None
    host.end("a", 1)
    await asyncio.sleep(60)
    assert host.begun == ["a", "b"]


async def test_asking_for_nobody_says_who_there_is(jobs: Jobs, host: Host) -> None:
    jobs.add([process("a")])
    with pytest.raises(NotFound, match="there are a"):
        jobs.get("nobody")


async def test_every_change_is_told(host: Host) -> None:
    told: list[tuple[str, Stage]] = []

    def changed(job: Job) -> None:
        told.append((job.who, job.stage))

    jobs = Jobs(host.spawn, LoopClock(), Tasks(), changed)
    jobs.add([process("a")])
    await settled()
    jobs.is_ready(jobs.get("a"))
    host.end("a", 1)
    assert {stage for _, stage in told} >= {Stage.STARTING, Stage.UP, Stage.PAUSING}
