"""A Go child: what it is told to be, what it says, and how it ends."""

import asyncio
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.launched import Temporary

PATIENCE = 20.0
"""Seconds a child may take to say or do something."""
LINE = 1 << 20

Said = dict[str, Any]


@dataclass
class GoPeer:
    """One Go process, heard line by line."""

    process: asyncio.subprocess.Process
    heard: list[Said] = field(default_factory=list)

    async def says(self, event: str, **like: object) -> Said:
        """The next line of that kind with these values; a failure it tells of fails the test."""
        async with asyncio.timeout(PATIENCE):
            while line := await self.process.stdout.readline():
                said: Said = json.loads(line)
                self.heard.append(said)
                if said["event"] == event and all(said.get(k) == v for k, v in like.items()):
                    return said
                assert said["event"] != "failed", said
        raise AssertionError(f"it ended without {event!r} after {self.heard[-5:]}")

    async def tells(self, event: str) -> list[Said]:
        """All it has said and will say of that kind until it ends by itself."""
        async with asyncio.timeout(PATIENCE):
            while line := await self.process.stdout.readline():
                self.heard.append(json.loads(line))
            await self.process.wait()
        return [said for said in self.heard if said["event"] == event]

    async def end(self) -> list[Said]:
        """Tell it to end, and return all that it has said."""
        self.process.stdin.close()
        await self.tells("")
        return self.heard

    async def kill(self) -> None:
        """End it without a word, if it has not ended."""
        if self.process.returncode is None:
            self.process.kill()
        await self.tells("")
        self.process.stdin.close()


@dataclass
class GoPeers:
    """Starts Go children that get their identity at `agent`, and lets none outlive the test."""

    executable: Path
    agent: str
    running: list[GoPeer] = field(default_factory=list)
    temporary: Temporary = field(default_factory=Temporary)
    """For their sockets, which one that is killed leaves behind."""

    async def __call__(self, role: str, *flags: str, agent: str = "") -> GoPeer:
        process = await asyncio.create_subprocess_exec(
            self.executable,
            role,
            *flags,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LINE,
            env={
                **os.environ,
                "SPIFFE_ENDPOINT_SOCKET": agent or self.agent,
                "TMPDIR": self.temporary.name,
            },
        )
        self.running.append(GoPeer(process))
        return self.running[-1]

    async def close(self) -> None:
        """Kill whatever still runs."""
        for peer in self.running:
            await peer.kill()
        self.temporary.cleanup()
