"""Programs under test as processes of their own, heard and ended without a wait too many."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

PATIENCE = 30.0
"""Seconds after which a program under test is stuck."""

News = dict[str, Any]
Temporary = TemporaryDirectory[str]


class Launched:
    """A program, all it has printed (`said`), and all it has told whoever started it (`news`)."""

    def __init__(self, process: Process, inbox: socket.socket, temporary: Temporary) -> None:
        self.process = process
        self.temporary = temporary
        self.inbox = inbox
        self.said = ""
        self.news: list[News] = []
        self._more = asyncio.Event()
        self._reading = asyncio.create_task(self._read())
        asyncio.get_running_loop().add_reader(inbox, self._hear)

    @classmethod
    async def start(
        cls, where: Path, module: str, *words: str, netns: str = "", **environ: str
    ) -> Self:
        """Run `python -m MODULE WORDS` with nothing but these settings, here or in a namespace."""
        inbox = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        inbox.bind(str(where))
        temporary = Temporary()
        own = {
            "PATH": os.environ["PATH"],
            "TMPDIR": temporary.name,
            "NSM_STATUS_SOCKET": str(where),
            **environ,
        }
        within = ("ip", "netns", "exec", netns) if netns else ()
        command = (*within, sys.executable, "-m", module, *words)
        process = await asyncio.create_subprocess_exec(
            *command, env=own, stdout=PIPE, stderr=STDOUT
        )
        return cls(process, inbox, temporary)

    async def ready(self) -> None:
        """It says that it does its job."""
        await self.tells(lambda one: bool(one.get("ready")))

    async def tells(self, wanted: Callable[[News], bool]) -> News:
        """The first of its news that is wanted."""
        async with self._until(lambda: any(map(wanted, self.news))):
            return next(filter(wanted, self.news))

    async def says(self, text: str) -> None:
        """It prints this."""
        async with self._until(lambda: text in self.said):
            return

    async def ends(self, number: signal.Signals | None = None) -> int:
        """Its exit code, when it has ended: by itself, or because it was told to."""
        if number is not None:
            self.process.send_signal(number)
        async with asyncio.timeout(PATIENCE):
            await asyncio.shield(self._reading)
            return await self.process.wait()

    async def close(self) -> None:
        """Whatever it does, it is over."""
        asyncio.get_running_loop().remove_reader(self.inbox)
        self.inbox.close()
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.ends()
        self.temporary.cleanup()  # a program that is killed leaves its own socket's folder

    @contextlib.asynccontextmanager
    async def _until(self, come: Callable[[], bool]) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(PATIENCE):
                while not come():
                    assert not self._reading.done(), f"it has ended:\n{self.said}"
                    await self._more.wait()
                    self._more.clear()
        except TimeoutError:
            raise AssertionError(f"nothing came:\n{self.said}\n{self.news}") from None
        yield

    async def _read(self) -> None:
        assert self.process.stdout
        try:
            while piece := await self.process.stdout.read(1 << 16):
                self.said += piece.decode()
                self._more.set()
        finally:
            self._more.set()

    def _hear(self) -> None:
        self.news.append(json.loads(self.inbox.recv(1 << 16)))
        self._more.set()
