"""An authority that serves the Workload API on a socket of its own, and its entries."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from nsm.identity.authority import Authority
from nsm.identity.roster import Roster
from nsm.rpc.plain import Method, PlainServer
from nsm.sdk import Clock
from nsm.workload.server import WorkloadApi

WEB = "spiffe://test/ns/x/web"


@dataclass
class Agent:
    folder: Path
    authority: Authority = field(default_factory=lambda: Authority("test", Clock()))

    def __post_init__(self) -> None:
        self.path = self.folder / "agent.sock"
        self.url = f"unix://{self.path}"
        self.entries = self.folder / "entries.yaml"
        self.roster = Roster(self.entries, "test", self.authority.changes)
        self.server: PlainServer | None = None

    def write(self, *entries: str) -> None:
        """Replace the file; an entry is flow YAML without its braces."""
        new = self.entries.with_suffix(".new")
        new.write_text("entries: [" + ", ".join(f"{{{entry}}}" for entry in entries) + "]")
        new.replace(self.entries)

    def me(self, id: str = WEB, more: str = "") -> str:
        return f"id: '{id}', uid: {os.getuid()}{more}"

    async def start(self, methods: Mapping[str, Method] | None = None) -> None:
        api = WorkloadApi(self.authority, self.roster, Clock())
        self.server = PlainServer(str(self.path), methods or api.methods)
        await self.server.start()

    async def stop(self) -> None:
        if self.server:
            await self.server.close()
            self.server = None


@pytest.fixture
async def agent(tmp_path: Path) -> AsyncIterator[Agent]:
    agent = Agent(tmp_path)
    agent.write(agent.me())
    await agent.start()
    yield agent
    await agent.stop()


class Ear(logging.Handler):
    """Waits for something to be logged."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.heard = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        self.heard.set()

    async def hears(self, words: str) -> None:
        async with asyncio.timeout(10):
            while not any(words in line for line in self.lines):
                self.heard.clear()
                await self.heard.wait()


@pytest.fixture
async def ear() -> AsyncIterator[Ear]:
    ear = Ear()
    logging.getLogger("nsm.workload").addHandler(ear)
    yield ear
    logging.getLogger("nsm.workload").removeHandler(ear)
