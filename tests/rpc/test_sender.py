"""Who sends a namespace, and whether it is theirs to enter."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from nsm.rpc.sender import Ended, credentials, may_enter, pidfd

OWN = "/proc/self/ns/net"
BEFORE = "import os, socket, sys; s = socket.socket(socket.AF_UNIX); "
AFTER = "s.connect(sys.argv[1]); input()"


@pytest.fixture
def connected() -> Iterator[Callable[..., tuple[socket.socket, "subprocess.Popen[bytes]"]]]:
    """Our end of a socket to another process, which is run as told."""
    folder = tempfile.mkdtemp(prefix="nsm-sender-")  # pytest's own are not for other users
    os.chmod(folder, 0o755)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(f"{folder}/s")
    os.chmod(f"{folder}/s", 0o777)
    listening.listen()
    listening.settimeout(20)
    socks, processes = [listening], []

    def connect(*prefix: str, first: str = "") -> tuple[socket.socket, "subprocess.Popen[bytes]"]:
        words = [*prefix, sys.executable, "-I", "-c", BEFORE + first + AFTER, f"{folder}/s"]
        processes.append(subprocess.Popen(words, stdin=subprocess.PIPE))
        socks.append(listening.accept()[0])
        return socks[-1], processes[-1]

    yield connect
    for process in processes:
        end(process)
    for sock in socks:
        sock.close()
    shutil.rmtree(folder)


def end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.communicate(b"\n")


@pytest.fixture
def own() -> Iterator[int]:
    fd = os.open(OWN, os.O_PATH)
    yield fd
    os.close(fd)


def test_everybody_may_enter_their_own(connected, own: int) -> None:
    sock, process = connected()
    assert credentials(sock)[0] == process.pid
    assert may_enter(sock, own)


def test_what_is_no_network_namespace_is_not_judged(connected) -> None:
    sock, _ = connected()
    for path in ("/proc/self/ns/uts", "/dev/null", "/"):
        fd = os.open(path, os.O_PATH)
        assert may_enter(sock, fd)
        os.close(fd)


def test_an_ended_process_may_enter_nothing(connected, own: int) -> None:
    sock, process = connected()
    held = sock.dup()
    end(process)
    assert not may_enter(held, own)
    held.close()


def test_a_process_is_known_beyond_its_pid(connected) -> None:
    sock, process = connected()
    fd = pidfd(sock)
    assert fd is not None
    os.close(fd)
    held = sock.dup()
    end(process)
    with suppress(Ended):  # newer kernels still know who it was
        fd = pidfd(held)
        assert fd is not None
        os.close(fd)
    held.close()


@pytest.mark.linux
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: other users and namespaces")
def test_another_s_takes_the_right_to_enter_it(connected, own: int) -> None:
    nobody = "os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534); "
    root, process = connected("unshare", "--net")
    assert may_enter(root, own)
    away = os.open(f"/proc/{process.pid}/ns/net", os.O_PATH)
    theirs, _ = connected("unshare", "--net", first=nobody)
    assert not may_enter(theirs, own)
    assert not may_enter(theirs, away)
    ruler, _ = connected("unshare", "--user", "--map-root-user", "--net")
    assert not may_enter(ruler, own)  # all rights, but not here
    os.close(away)
