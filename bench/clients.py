"""A client program that holds as many vWires as it is told to."""

import asyncio
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.ground import NODES, SERVICE, Ground, begin, python

NEAR, FAR = "near", "far"
"""On the endpoint's node, and on the other one."""


@dataclass
class Answer:
    """How one order was carried out, in seconds."""

    seconds: list[float]
    failed: int
    all: float
    towards: list[str]
    """The address at the other end of each."""


class Client:
    """The way to one `bench.asking`."""

    def __init__(self, process: subprocess.Popen, log: Path) -> None:
        self.process, self.log = process, log

    @classmethod
    async def start(cls, ground: Ground, where: str, name: str = "", **environ: str) -> "Client":
        """Start it in a namespace of the ground, which ends it; several may stand in one."""
        name = name or where
        settings = {
            **ground.environ(name),
            "NSM_CONNECT_TO": ground.manager(NODES[0] if where == NEAR else NODES[1]),
            "NSM_NETWORK_SERVICES": f"kernel://{SERVICE}",
            **environ,
        }
        words, pipe = python("bench.asking"), subprocess.PIPE
        with (ground.folder / f"{name}.log").open("wb") as log:
            netns = ground.spaces[where]
            process = begin(netns, words, settings, stdin=pipe, stdout=pipe, stderr=log)
        ground.processes[name] = process
        await ground.until_ready(name)
        return cls(process, ground.folder / f"{name}.log")

    async def connect(self, count: int, first: int = 0, *, at_once: bool = False) -> Answer:
        """Connect so many, numbered from `first`."""
        return await self._ask("connect", count, first, at_once)

    async def close(self, count: int, first: int = 0, *, at_once: bool = False) -> Answer:
        """Close so many."""
        return await self._ask("close", count, first, at_once)

    async def answered(self, count: int, first: int = 0) -> list[float]:
        """When each was answered last, on the monotonic clock; what never was is not there."""
        return (await self._ask("answered", count, first, False)).seconds

    async def _ask(self, do: str, count: int, first: int, at_once: bool) -> Answer:
        order = {"do": do, "count": count, "from": first, "at_once": at_once}
        self.process.stdin.write(json.dumps(order).encode() + b"\n")
        self.process.stdin.flush()
        line = await asyncio.to_thread(self.process.stdout.readline)
        if not line:
            raise RuntimeError(f"the client ended:\n{self.log.read_text()[-3000:]}")
        said = json.loads(line)
        seconds = [each for each in said["seconds"] if each is not None]
        return Answer(seconds, len(said["seconds"]) - len(seconds), said["all"], said["towards"])
