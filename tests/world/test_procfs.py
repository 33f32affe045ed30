"""Processes are known by more than a number that comes again."""

import os
import subprocess
from pathlib import Path
from subprocess import PIPE

from nsm.world import procfs


def test_this_process_runs_since_it_began() -> None:
    me = os.getpid()
    assert procfs.alive(me, procfs.began(me))
    assert not procfs.alive(me, procfs.began(me) + 1)
    assert procfs.cost(me).rss_mb > 1
    assert me in procfs.pids()
    assert procfs.parent(me) == os.getppid()
    assert procfs.ancestors(me) >= {me, os.getppid(), 1}


def test_what_only_waits_to_be_buried_does_not_run() -> None:
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert procfs.began(child.pid)
    assert not procfs.alive(child.pid, procfs.began(child.pid))
    child.wait()
    assert procfs.began(child.pid) == 0


def test_what_a_process_was_started_with_can_be_read() -> None:
    show = ["sh", "-c", "echo there; read line"]
    with subprocess.Popen(show, env={"MARK": "a=b"}, stdin=PIPE, stdout=PIPE) as child:
        assert child.stdout
        assert child.stdout.readline() == b"there\n"
        assert procfs.environment(child.pid) == {"MARK": "a=b"}
        child.communicate(b"\n")


def test_nobody_costs_nothing_and_stands_nowhere() -> None:
    gone = 4194304
    assert procfs.cost(gone) == procfs.Cost()
    assert procfs.namespace(gone) is None
    assert procfs.environment(gone) == {}
    assert procfs.parent(gone) == 0


def test_what_a_process_has_open_is_known_by_more_than_its_name(tmp_path: Path) -> None:
    file = tmp_path / "file"
    with file.open("w"):
        there = dict(procfs.descriptors(os.getpid()))
        assert there[str(file)] == procfs.key(file)


def test_a_path_leads_where_the_process_finds_it(tmp_path: Path) -> None:
    assert procfs.found(os.getpid(), tmp_path) == procfs.key(tmp_path)
    assert procfs.found(os.getpid(), tmp_path / "nothing") is None
