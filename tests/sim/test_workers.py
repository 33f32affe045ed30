"""Real processes, ended from outside: nobody goes on, and nothing lies about."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.world.blackbox.lab import eventually

from nsm.sim.folders import PREFIX, folder, remove_abandoned
from nsm.sim.workers import workers

STORIES = (sys.executable, "-m", "nsm.sim", "--seeds", "0..99999", "-j2")


def children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def places(maker: int) -> list[Path]:
    with folder() as own:
        return list(own.parent.glob(f"{PREFIX}{maker}-*"))


@pytest.fixture
def telling() -> Iterator["subprocess.Popen[str]"]:
    """The command, with both its workers in the middle of a story."""
    with subprocess.Popen(STORIES, text=True, stderr=subprocess.PIPE) as told:
        try:
            eventually(lambda: sum(map(len, map(places, children(told.pid)))) == 2)
            yield told
        finally:
            if told.poll() is None:
                told.kill()


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 1), (signal.SIGTERM, 128 + signal.SIGTERM), (signal.SIGKILL, -signal.SIGKILL)],
)
def test_whoever_is_ended_half_way_leaves_nobody_and_nothing(
    telling: "subprocess.Popen[str]", number: signal.Signals, code: int
) -> None:
    working = children(telling.pid)
    ends = [os.pidfd_open(pid) for pid in working]
    telling.send_signal(number)
    assert telling.wait(10) == code
    for end in ends:
        assert select.select([end], [], [], 10)[0], "a worker goes on"
        os.close(end)
    assert [places(pid) for pid in (telling.pid, *working)] == [[], [], []]
    assert telling.stderr is not None
    assert "Traceback" not in telling.stderr.read()


def test_what_a_killed_worker_left_goes_when_the_next_begins(
    telling: "subprocess.Popen[str]",
) -> None:
    one, _ = children(telling.pid)
    os.kill(one, signal.SIGKILL)
    assert telling.wait(10) == 1
    assert telling.stderr is not None
    assert telling.stderr.read().startswith("Error: a worker was killed")
    assert places(one)
    remove_abandoned()
    assert not places(one)


def test_what_fails_in_a_worker_is_raised_here() -> None:
    with pytest.raises(ZeroDivisionError), workers(1) as pool:
        list(pool.map((1).__truediv__, [0]))
