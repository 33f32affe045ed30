"""Starts programs by asking a process that has imported them all, and tells when they end."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from signal import SIGKILL
from subprocess import DEVNULL

from nsm.errors import NsmError
from nsm.sdk import Tasks
from nsm.world.procfs import alive, began
from nsm.world.zygote import Spawn

Ended = Callable[[int | None], None]
"""Told how a program ended: its exit code, or minus the signal; None where nobody knows."""


@dataclass(frozen=True, slots=True)
class Started:
    """A running program: its pid is checked against reuse by when it began."""

    pid: int
    start: int

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return alive(self.pid, self.start)

    def signal(self, number: int) -> bool:
        """Send a signal; False when it has ended."""
        if not self.alive:
            return False
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)
            return True
        return False


Zygote = tuple[int, socket.socket]
"""Its pid, and the way to it."""


class ForkServer:
    """Talks to one zygote, `first` where one is there already; begins another when it dies."""

    def __init__(self, tasks: Tasks, first: Zygote | None = None) -> None:
        self.pid = 0
        self._first: socket.socket | None = None
        if first is not None:
            self.pid, self._first = first
        self._tasks = tasks
        self._zygote: subprocess.Popen[bytes] | None = None
        self._turn = asyncio.Lock()
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def start(self) -> None:
        """Reach the first zygote, or begin another; it imports while others work."""
        ours = self._first or await self._begin()
        self._first = None
        self._reader, self._writer = await asyncio.open_unix_connection(sock=ours)

    async def _begin(self) -> socket.socket:
        self._bury_zygote()
        ours, theirs = socket.socketpair()
        with theirs:
            self._zygote = await asyncio.to_thread(_popen, theirs.fileno())
            self.pid = self._zygote.pid
        return ours

    def _bury_zygote(self) -> None:
        """Make sure that the zygote there was has ended."""
        if self._zygote is not None:
            self._zygote.kill()
            self._zygote.wait()
        elif self.pid:
            with suppress(ProcessLookupError, ChildProcessError):
                os.kill(self.pid, SIGKILL)
                os.waitpid(self.pid, 0)

    async def spawn(self, spawn: Spawn, ended: Ended) -> Started:
        """Start a program; `ended` is called once, when it has ended."""
        answer = await self._ask(asdict(spawn))
        pid = answer["pid"] or 0
        fd = os.pidfd_open(pid)
        started = Started(pid, began(pid))
        asyncio.get_running_loop().add_reader(fd, self._over, fd, pid, ended)
        return started

    def _over(self, fd: int, pid: int, ended: Ended) -> None:
        asyncio.get_running_loop().remove_reader(fd)
        os.close(fd)
        self._tasks.start(f"end of {pid}", self._bury(pid, ended))

    async def _bury(self, pid: int, ended: Ended) -> None:
        try:
            status = (await self._ask({"reap": pid}))["status"]
        except NsmError:
            status = None
        ended(status)

    async def _ask(self, question: dict[str, object]) -> dict[str, int | None]:
        """Ask the zygote; when it has died, begin another and ask that."""
        async with self._turn:
            for _ in range(2):
                if self._reader is None or self._reader.at_eof():
                    await self.start()
                try:
                    return await self._exchange(question)
                except (ConnectionError, asyncio.IncompleteReadError):
                    self._forget()
                except BaseException:
                    self._forget()  # a question left unanswered would answer the next
                    raise
        raise NsmError("the fork server does not stay alive", fix="see supervisor.log")

    async def _exchange(self, question: dict[str, object]) -> dict[str, int | None]:
        assert self._writer is not None
        assert self._reader is not None
        self._writer.write(json.dumps(question).encode() + b"\n")
        await self._writer.drain()
        answer: dict[str, int | None] = json.loads(await self._reader.readuntil())
        return answer

    def _forget(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None

    def close(self) -> None:
        """End the zygote; what it started goes on."""
        self._forget()
        self._bury_zygote()


def _popen(fd: int) -> subprocess.Popen[bytes]:
    words = (sys.executable, "-P", "-m", "nsm.world.zygote", str(fd))
    return subprocess.Popen(words, pass_fds=(fd,), stdin=DEVNULL)
