"""The fork server's other half: a process that has imported everything and does nothing but fork.

It is asked over its socket (descriptor given as argument), one JSON line at a time, and has one
thread, so that forking is safe. What it starts outlives it and is waited for by whoever asked.
"""

import gc
import json
import os
import signal
import socket
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from nsm.world import syscalls
from nsm.world.programs import OurProgram, entry, preload

LIMIT = 1 << 20
"""Bytes of one request; environments are far smaller."""
NOT_FOUND, NOT_STARTED = 127, 126


@dataclass(frozen=True, slots=True, kw_only=True)
class Spawn:
    """What to start: a program of ours or a command, where, with what, writing to which log."""

    title: str
    program: str = ""
    argv: Sequence[str] = ()
    environ: Mapping[str, str] = field(default_factory=dict)
    netns: str = ""
    mntns: str = ""
    log: str = ""
    folder: str = "/"


def serve(channel: socket.socket) -> None:
    """Answer until the other end goes away."""
    with channel.makefile("rb") as lines:
        while line := lines.readline(LIMIT):
            channel.sendall(json.dumps(_answer(json.loads(line), channel)).encode() + b"\n")


def _answer(asked: dict[str, object], channel: socket.socket) -> dict[str, int | None]:
    if "reap" in asked:
        return {"status": _reap(int(str(asked["reap"])))}
    spawn = Spawn(**asked)  # type: ignore[arg-type]  # written by `ForkServer`, from a Spawn
    pid = os.fork()
    if pid == 0:
        os.close(channel.detach())  # `close` would leave it to the file that reads from it
        _become(spawn)
    return {"pid": pid}


def _reap(pid: int) -> int | None:
    """How a child ended: its exit code, or minus the signal; None where it is no child of ours."""
    try:
        done, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return None
    return os.waitstatus_to_exitcode(status) if done else None


def _become(spawn: Spawn) -> NoReturn:
    """In the child: take its place, and end with the program."""
    code = NOT_STARTED
    try:
        _settle(spawn)
        code = _run(spawn)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except FileNotFoundError as error:
        sys.stderr.write(f"can't start {spawn.title}: {error}\n")
        code = NOT_FOUND
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _settle(spawn: Spawn) -> None:
    """A session of its own, its log, its namespaces; mount namespace last: paths change with it."""
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(spawn.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    for fd, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(fd, target)
    for path, kind in ((spawn.netns, syscalls.CLONE_NEWNET), (spawn.mntns, syscalls.CLONE_NEWNS)):
        if path:
            _enter(path, kind)
    os.chdir(spawn.folder)


def _enter(path: str, kind: int) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        syscalls.enter(fd, kind)
    finally:
        os.close(fd)


def _run(spawn: Spawn) -> int:
    if not spawn.program:
        os.execvpe(spawn.argv[0], list(spawn.argv), dict(spawn.environ))
    syscalls.prctl(syscalls.PR_SET_NAME, spawn.title.encode()[:15])
    os.environ.clear()  # noqa: TID251 -- a program that is forked gets its environment here
    os.environ.update(spawn.environ)  # noqa: TID251
    launch = OurProgram(spawn.program, tuple(spawn.argv))
    return entry(launch.program)(launch.argv)


def ready() -> None:
    """Import everything, and keep what is there out of the collector's way, so it stays shared."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    preload()
    gc.collect()
    gc.freeze()


def split(*unwanted: int) -> tuple[int, socket.socket]:
    """Fork a zygote off this process, which must have one thread; its pid, and the way to it.

    It lets go of the descriptors in `unwanted`: others wait for them to be closed.
    """
    ready()
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid:
        theirs.close()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        return pid, ours
    try:
        ours.close()
        for fd in unwanted:
            os.close(fd)
        serve(theirs)
    finally:
        os._exit(0)


def main(argv: Sequence[str]) -> int:
    """Serve on the inherited socket whose descriptor is the argument."""
    with socket.socket(fileno=int(argv[0])) as channel:
        channel.set_inheritable(False)
        ready()
        serve(channel)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
