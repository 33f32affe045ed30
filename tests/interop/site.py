"""One node of ours: programs in processes of their own, in namespaces of their own."""

import asyncio
import json
import os
import re
import signal
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.launched import Temporary
from tests.ours import MARK

PATIENCE = 30.0
"""Seconds a program may take to be ready, or to end."""

Report = dict[str, Any]


@dataclass
class Site:
    """Namespaces, and the programs of a node; what it made goes with it."""

    folder: Path
    agent: str
    spaces: list[str] = field(default_factory=list)
    programs: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)
    heard: list[Report] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.temporary = Temporary()
        self.reports = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.reports.setblocking(False)
        self.reports.bind(str(self.folder / "reports"))

    def manager(self, node: str = "node") -> str:
        """Where the manager of a node serves those on the node."""
        return f"unix://{self.folder}/{node}.sock"

    async def space(self, name: str) -> str:
        """A new namespace; the answer is its path."""
        full = f"nsm-go-{MARK}-{name}"
        self.spaces.append(full)
        await self.told("ip", "netns", "add", full)
        await self.inside(name, "ip", "link", "set", "lo", "up")
        return f"/run/netns/{full}"

    async def inside(self, name: str, *command: str) -> str:
        """What a command says in a namespace of ours."""
        return await self.told("ip", "netns", "exec", f"nsm-go-{MARK}-{name}", *command)

    async def told(self, *command: str) -> str:
        """What a command says; it must go well."""
        code, said = await self.tried(*command)
        assert code == 0, f"{' '.join(command)}: {said}"
        return said

    async def tried(self, *command: str) -> tuple[int, str]:
        """How a command ends, and what it says."""
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        async with asyncio.timeout(PATIENCE):
            said, _ = await process.communicate()
        return process.returncode or 0, said.decode()

    async def interfaces(self, name: str) -> set[str]:
        """The interfaces in a namespace, but for the loopback."""
        said = await self.inside(name, "ip", "-o", "link")
        return set(re.findall(r"^\d+: ([^:@]+)", said, re.MULTILINE)) - {"lo"}

    async def addresses(self, name: str, interface: str) -> list[str]:
        """The IPv4 addresses of an interface."""
        said = json.loads(await self.inside(name, "ip", "-j", "-4", "addr", "show", interface))
        return [f"{a['local']}/{a['prefixlen']}" for link in said for a in link["addr_info"]]

    async def pings(self, name: str, address: str) -> str:
        """What one echo says that must come back."""
        return await self.inside(name, "ping", "-c1", "-W2", address.partition("/")[0])

    async def start(self, module: str, name: str, space: str, *words: str, **settings: str) -> None:
        """Run a program of ours in a namespace, until it is ready."""
        environ = {
            "PATH": os.environ["PATH"],
            "TMPDIR": self.temporary.name,
            "PYTHONFAULTHANDLER": "1",
            "SPIFFE_ENDPOINT_SOCKET": self.agent,
            "NSM_NAME": name,
            "NSM_STATUS_SOCKET": str(self.folder / "reports"),
            **{f"NSM_{key.upper()}": value for key, value in settings.items()},
        }
        log = (self.folder / f"{name}.log").open("ab")
        with log:
            self.programs[name] = await asyncio.create_subprocess_exec(
                *("ip", "netns", "exec", f"nsm-go-{MARK}-{space}"),
                *(sys.executable, "-m", module, *words),
                env=environ,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        await self.hears(name, ready=True)

    async def hears(self, name: str, **like: object) -> Report:
        """The next report of a program in which these values stand."""
        try:
            async with asyncio.timeout(PATIENCE):
                while said := await self._report(name):
                    story = {**said, **said.get("connection", {})}
                    if said["name"] == name and all(story.get(k) == v for k, v in like.items()):
                        return story
        except TimeoutError:
            self.programs[name].send_signal(signal.SIGABRT)  # its log will say where it hangs
            await self.programs[name].wait()
        log = (self.folder / f"{name}.log").read_text()[-5000:]
        state = f"(ended: {self.programs[name].returncode})"
        raise AssertionError(f"{name} did not say {like} {state}: {self.heard[-3:]}\n{log}")

    async def _report(self, name: str) -> Report | None:
        """The next report of anyone; None when the program `name` has ended."""
        loop = asyncio.get_running_loop()
        hearing = loop.create_task(loop.sock_recv(self.reports, 1 << 16))
        ending = loop.create_task(self.programs[name].wait())
        try:
            await asyncio.wait({hearing, ending}, return_when=asyncio.FIRST_COMPLETED)
            if not hearing.done():
                return None
            self.heard.append(json.loads(hearing.result()))
            return self.heard[-1]
        finally:
            hearing.cancel()
            ending.cancel()

    async def stop(self, name: str, how: int = signal.SIGTERM) -> None:
        """End a program, and see that it ends in time."""
        process = self.programs.pop(name)
        if process.returncode is None:
            process.send_signal(how)
        try:
            async with asyncio.timeout(PATIENCE):
                await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def close(self) -> None:
        """End programs, newest first, and remove namespaces."""
        try:
            for name in reversed(list(self.programs)):
                await self.stop(name)
        finally:
            self.reports.close()
            self.temporary.cleanup()
            for space in self.spaces:
                await self.tried("ip", "netns", "delete", space)
