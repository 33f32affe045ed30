"""A process is a mesh's where it is marked with its folder, and finds that there."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import PIPE

import pytest

from nsm.world.ground import MARKER, Home
from nsm.world.mark import Mark
from nsm.world.sweep import sweep

ANOTHER = "mount -t tmpfs another {base} && mkdir {root} && echo there && read line"
"""In a mount namespace of its own: somebody else's folder behind the same path."""


@contextmanager
def marked(home: Home, *words: str) -> Iterator[int]:
    """A process that bears the mark of a mesh, and has said that it stands."""
    environ = {**os.environ, MARKER: str(home.root)}
    with subprocess.Popen(words, env=environ, stdin=PIPE, stdout=PIPE) as child:
        try:
            assert child.stdout
            assert child.stdout.readline() == b"there\n"
            yield child.pid
        finally:
            child.kill()


def here(home: Home, *words: str) -> tuple[str, ...]:
    return (*words, "sh", "-c", "echo there && read line")


def apart(home: Home) -> tuple[str, ...]:
    script = ANOTHER.format(base=home.base, root=home.root)
    return ("unshare", "--mount", "sh", "-c", script)


def is_ended(pid: int) -> bool:
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


@pytest.mark.linux
@pytest.mark.parametrize("words", [(), ("unshare", "--mount")])
def test_down_ends_whoever_finds_the_folder_it_is_marked_with(home: Home, words) -> None:
    with marked(home, *here(home, *words)) as pid:
        assert Mark.of(home).is_on(pid)
        sweep(home)
        assert is_ended(pid)


@pytest.mark.linux
def test_another_mesh_behind_the_same_path_is_let_be(home: Home) -> None:
    with marked(home, *apart(home)) as pid:
        assert not Mark.of(home).is_on(pid)
        sweep(home)
        assert not is_ended(pid)


@pytest.mark.linux
def test_whoever_is_not_marked_is_nobodys(home: Home) -> None:
    assert not Mark.of(home).is_on(os.getpid())
    assert not Mark.of(Home("other", home.base)).is_on(os.getpid())
