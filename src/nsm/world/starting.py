"""How a supervisor is begun, and how a mesh that has one, or had one, is ended."""

import fcntl
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from nsm.errors import NsmError, Unsupported
from nsm.waiting import readable
from nsm.world.control import Control, Json
from nsm.world.ground import MARKER, Home
from nsm.world.logs import tail
from nsm.world.state import State, read_state, running, write_state
from nsm.world.sweep import sweep

GOODBYE = 30.0
"""Seconds a supervisor may take to end its mesh before it is ended with it."""


class AlreadyUp(NsmError):
    """A mesh of that name is there."""

    status = "ALREADY_EXISTS"


class HostCannot(Unsupported):
    """This host, or this version on this host, can't do what is asked."""


@contextmanager
def alone(home: Home) -> Iterator[None]:
    """Nobody else brings this mesh up or takes it down meanwhile."""
    path = home.base / f".{home.mesh}.lock"
    while True:
        home.base.mkdir(parents=True, exist_ok=True)
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:  # whoever held the last lock here removed the folder just now
            continue
        fcntl.flock(fd, fcntl.LOCK_EX)
        with suppress(FileNotFoundError):
            if path.stat().st_ino == os.fstat(fd).st_ino:
                break
        os.close(fd)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(fd)
        with suppress(OSError):  # other meshes live there
            home.base.rmdir()


class Starting:
    """A supervisor that has just been begun. Unless it is kept, all goes with the end of `with`."""

    def __init__(
        self, home: Home, channel: socket.socket, process: "subprocess.Popen[bytes]"
    ) -> None:
        self.home = home
        self.channel = channel
        self.process = process
        self.buffer = b""
        self.kept = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.channel.close()
        if not self.kept:
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(GOODBYE)
            take_down(self.home)

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def news(self, left: Callable[[], float | None]) -> Iterator[Json]:
        """What it tells, until it ends or no time is left; None is for ever."""
        while True:
            line, newline, rest = self.buffer.partition(b"\n")
            if newline:
                self.buffer = rest
                yield json.loads(line)
                continue
            time = left()
            waiting = None if time is None else max(0.0, time)
            if not readable(self.channel, waiting):
                return
            if not (data := self.channel.recv(1 << 16)):
                return
            self.buffer += data

    def keep(self) -> None:
        """Let it live on without us."""
        self.channel.sendall(b"keep\n")
        self.kept = True


def begin(file: Path, home: Home) -> Starting:
    """Begin the supervisor of a mesh that is not up."""
    with alone(home):
        if home.root.exists():
            raise already(home)
        home.logs.mkdir(parents=True, mode=0o700)
        home.root.chmod(0o700)
        ours, theirs = socket.socketpair()
        marked = {**os.environ, MARKER: str(home.root), "NSM_MESH": home.mesh}  # noqa: TID251
        began = str(time.monotonic())
        words = (str(file.absolute()), home.mesh, str(home.base), began, str(theirs.fileno()))
        with theirs, home.log("supervisor").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "nsm.world", *words],
                env=marked,
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
            )
        state = State(home.mesh, running("supervisor", process.pid))
        write_state(home.state, state)
    return Starting(home, ours, process)


def already(home: Home) -> AlreadyUp:
    """Why a mesh can't be brought up that is there in some way."""
    if is_alive(home):
        return AlreadyUp(
            f"{home.mesh} is up already", fix="`nsm status` shows it; `nsm down` ends it"
        )
    cause = f"{home.mesh} was left behind by a supervisor that has died"
    return AlreadyUp(cause, fix=f"`nsm down {home.mesh}` removes it")


def is_alive(home: Home) -> bool:
    """Whether a mesh has a supervisor."""
    state = read_state(home.state)
    if state is not None:
        return state.supervisor.alive
    try:
        Control(home).ask("status", patience=2.0)
    except NsmError:
        return False
    return True


def died(home: Home) -> NsmError:
    """What to say of a supervisor that ended without a word."""
    last = tail(home.log("supervisor"), 3).strip() or "nothing in its log"
    return NsmError(f"the supervisor of {home.mesh} died: {last}", fix="please report this")


def take_down(home: Home) -> None:
    """End a mesh, whatever is left of it; twice, or at the same time as others, is no error."""
    with alone(home):
        if not home.root.exists():
            return
        state = read_state(home.state)
        with suppress(NsmError):
            Control(home).ask("down", patience=5.0)
            if state is not None:
                wait_for(state.supervisor.pid, GOODBYE)
        sweep(home)


def wait_for(pid: int, within: float) -> None:
    """Until a process has ended."""
    with suppress(ProcessLookupError):
        fd = os.pidfd_open(pid)
        try:
            readable(fd, within)
        finally:
            os.close(fd)
