"""Only what is a network namespace is taken for one."""

import os
from pathlib import Path

import pytest

from nsm.dataplane.netns import OWN, Netns
from nsm.errors import Invalid, NotFound


def test_one_namespace_by_two_names_is_one() -> None:
    here, again = Netns.open(OWN), Netns.open(f"file:///proc/{os.getpid()}/ns/net")
    assert here == again
    assert len({here, again}) == 1
    found = Path(OWN).stat()
    assert here.key == (found.st_dev, found.st_ino)


def test_an_o_path_descriptor_is_opened_anew() -> None:
    named = os.open(OWN, os.O_PATH)
    try:
        assert Netns.open(f"file:///proc/{os.getpid()}/fd/{named}") == Netns.current()
        taken = Netns.take(named)
        assert taken.fd != named
        assert taken == Netns.current()
    finally:
        os.close(named)


@pytest.mark.parametrize("other", ["/proc/self/ns/mnt", "/proc/self/status", "/dev/null", "/tmp"])
def test_what_is_no_network_namespace_is_refused(other) -> None:
    with pytest.raises(Invalid, match="not a network namespace"):
        Netns.open(other)


def test_a_pipe_is_refused_without_waiting_for_its_writer(tmp_path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Invalid):
        Netns.open(str(tmp_path / "pipe"))


@pytest.mark.parametrize(
    "name",
    ["", "inode://4/5", "file://elsewhere/x", "relative", "/a\0b", "/" + "a" * 5000, "http:"],
)
def test_a_name_that_is_no_path_is_refused(name) -> None:
    with pytest.raises(Invalid):
        Netns.open(name)


def test_what_is_not_there_is_not_found(tmp_path) -> None:
    with pytest.raises(NotFound):
        Netns.open(f"file://{tmp_path}/gone")
    with pytest.raises(NotFound):
        Netns.open("/proc/4194305/ns/net")


def test_a_closed_namespace_cannot_be_used() -> None:
    netns = Netns.current()
    fd = netns.fd
    netns.close()
    netns.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)
    with pytest.raises(NotFound):
        _ = netns.fd


def test_the_last_reference_closes() -> None:
    netns = Netns.current()
    fd = netns.fd
    del netns
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)
