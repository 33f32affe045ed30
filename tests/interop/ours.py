"""What this process offers to Go callers: it answers with what was asked, and remembers."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from nsm.api.connection import Connection, Request
from nsm.api.mechanism import INODE_URL, Mechanism
from nsm.api.monitoring import UPDATE, ConnectionEvent, Selector
from nsm.api.names import InodeUrl
from nsm.errors import Denied
from nsm.sdk import Call
from nsm.sdk.files import Files, Inode

REFUSAL = "not for you: ünïcode, 100 %"


@dataclass
class Echo:
    """Answers requests with what was asked; where a file came along, with `file` in its place."""

    file: Path | None = None
    events: int = 0
    padding: str = ""
    calls: list[Call] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    selectors: list[Selector] = field(default_factory=list)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def request(self, call: Call, request: Request) -> Connection:
        self.calls.append(call)
        conn = request.connection
        if conn.network_service == "denied":
            raise Denied(REFUSAL, fix="ask someone else")
        if conn.network_service == "gated":
            self.begun.set()
            await self.gate.wait()
        if conn.network_service == "slow":
            await self._never()
        if conn.mechanism is not None and call.files is not None:
            mechanism = await self._exchange(call.files, conn.mechanism)
            return replace(conn, mechanism=mechanism)
        return conn

    async def close(self, call: Call, conn: Connection) -> None:
        self.calls.append(call)

    async def watch(self, call: Call, selector: Selector) -> AsyncIterator[ConnectionEvent]:
        self.selectors.append(selector)
        for number in map(str, range(self.events)):
            yield ConnectionEvent(UPDATE, {number: self._padded(number)})

    def _padded(self, id: str) -> Connection:
        return Connection(id=id, labels={"padding": self.padding})

    async def _never(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled.set()

    async def _exchange(self, files: Files, mechanism: Mechanism) -> Mechanism:
        self.files.append(await read(files, mechanism))
        assert self.file is not None
        return sending(files, self.file, mechanism)


async def read(files: Files, mechanism: Mechanism) -> str:
    """What stands in the file a mechanism names, once it has come: it came without read rights."""
    url = InodeUrl.parse(mechanism.get(INODE_URL))
    async with asyncio.timeout(5):
        fd = await files.receive(Inode(url.dev, url.ino))
    try:
        return Path(f"/proc/self/fd/{fd}").read_text()
    finally:
        os.close(fd)


def sending(files: Files, file: Path, mechanism: Mechanism) -> Mechanism:
    """The mechanism with a file of ours, which is on its way."""
    fd = os.open(file, os.O_PATH | os.O_CLOEXEC)
    try:
        inode = files.send(fd)
    finally:
        os.close(fd)
    return mechanism.having(**{INODE_URL: str(InodeUrl(inode.dev, inode.ino))})
