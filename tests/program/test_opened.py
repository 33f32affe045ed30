"""What is opened once a program is ready is told, until it is closed or somebody keeps it."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from nsm.program.opened import Opened


@pytest.fixture
def opened() -> Opened:
    found = Opened()
    found.settle(0)
    return found


@pytest.fixture
def file(tmp_path: Path) -> Iterator[int]:
    fd = os.open(tmp_path / "file", os.O_CREAT)
    yield fd
    os.close(fd)


def test_before_a_program_is_ready_nothing_is_too_much() -> None:
    opened = Opened()
    with socket.socket(), Path("/proc/self/stat").open():
        assert (opened.more_sockets(0), opened.more_files()) == (0, [])


def test_a_file_is_told_while_it_is_open(opened: Opened, tmp_path: Path) -> None:
    with (tmp_path / "kept").open("w"):
        assert opened.more_files() == [str(tmp_path / "kept")]
    assert opened.more_files() == []


def test_what_was_open_before_may_have_another_name_now(file: int, tmp_path: Path) -> None:
    opened = Opened()
    opened.settle(0)
    (tmp_path / "file").rename(tmp_path / "aside")
    assert opened.more_files() == []
    again = os.dup(file)
    assert opened.more_files() == [str(tmp_path / "aside")], "but it may not be open once more"
    os.close(again)


def test_each_end_of_a_pipe_is_told(opened: Opened) -> None:
    ends = os.pipe()
    assert len([one for one in opened.more_files() if one.startswith("pipe:")]) == 2
    for fd in ends:
        os.close(fd)


def test_a_socket_is_counted_unless_it_is_kept(opened: Opened) -> None:
    with socket.socket():
        assert opened.more_sockets(0) == 1
        assert opened.more_sockets(1) == 0
        assert opened.more_files() == []


def test_what_is_for_others_is_none_of_it(opened: Opened, tmp_path: Path) -> None:
    """Their namespaces are held against their connections, and their sockets against paths."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s"))
        theirs = os.open(tmp_path / "s", os.O_PATH), os.open("/proc/self/ns/net", os.O_RDONLY)
        assert opened.more_files() == []
        for fd in theirs:
            os.close(fd)
