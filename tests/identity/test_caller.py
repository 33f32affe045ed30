"""Who calls on a unix socket."""

import asyncio
import hashlib
import os
import select
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from nsm.errors import Denied
from nsm.identity.caller import Caller, inode


def test_a_process_is_known_by_what_the_kernel_says_of_it() -> None:
    pidfd = os.pidfd_open(os.getpid())
    caller = Caller.of(os.getpid(), 5, 6, pidfd)
    os.close(pidfd)
    assert (caller.pid, caller.uid, caller.gid) == (os.getpid(), 5, 6)
    assert caller.netns == inode("/proc/self/ns/net")
    assert caller.exe == inode(sys.executable)
    assert caller.started == Caller.of(os.getpid(), 5, 6).started


def test_its_cgroups_are_those_of_the_kernel_and_its_executable_is_hashed_when_asked() -> None:
    caller = Caller.of(os.getpid(), 5, 6)
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    assert set(caller.cgroups) == {line.split(":", 2)[2] for line in lines}
    assert caller.sha256 is None
    held = hashlib.sha256(Path(sys.executable).read_bytes()).hexdigest()
    assert caller.hashed().sha256 == held


def test_what_is_no_longer_the_executable_is_not_hashed_in_its_place() -> None:
    caller = replace(Caller.of(os.getpid(), 5, 6), exe=inode("/proc/self/ns/net"))
    assert caller.hashed().sha256 is None
    assert Caller(0, 5, 6).hashed().sha256 is None


async def test_a_process_that_ended_is_denied_though_its_number_may_live_again() -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    pidfd = os.pidfd_open(process.pid)
    await asyncio.get_running_loop().run_in_executor(None, select.select, [pidfd], [], [], 10)
    with pytest.raises(Denied, match="ended"):  # the pid of one that lives, the pidfd of another
        Caller.of(os.getpid(), 0, 0, pidfd)
    await process.wait()
    os.close(pidfd)
    with pytest.raises(Denied, match="ended"):
        Caller.of(process.pid, 0, 0)


def test_of_one_in_another_pid_namespace_only_the_user_is_known() -> None:
    assert Caller.of(0, 5, 6) == Caller(0, 5, 6)


def test_what_is_not_there_has_no_inode() -> None:
    assert inode("/no/such/file") is None
    assert inode("/nul\0") is None
