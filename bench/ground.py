"""Where the mesh is measured: two nodes in namespaces of their own, real programs, real sockets.

Nothing is bound to a path and every program dies with this process, so that nothing is left of a
bench however it ends.
"""

import asyncio
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_interface
from pathlib import Path
from time import perf_counter
from typing import Self

import yaml

from bench.dataplane import space
from nsm.dataplane.kernel import Kernel
from nsm.dataplane.named import bridge, plug
from nsm.dataplane.netns import Netns, standing_in
from nsm.dataplane.ops import LinkEnd, SetLink

ROOT = Path(__file__).parent.parent
NODES = ("node-1", "node-2")
CLIENTS = ("near", "far")
SERVICE, PREFIX = "bench-service", "172.16.0.0/16"
PATIENCE = 30.0
"""Seconds a program may take to be ready."""

_libc = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Called in a child between fork and exec."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def begin(netns: Netns, words: Sequence[str], environ: Mapping[str, str], **more: object):
    """Start a program that stands in `netns`; from the main thread, with which it dies."""
    with standing_in(netns):
        return subprocess.Popen(
            words, env={**os.environ, **environ}, preexec_fn=die_with_parent, cwd=ROOT, **more
        )


def python(module: str, *words: str) -> tuple[str, ...]:
    """The words that run a module as a program."""
    return (sys.executable, "-m", module, *words)


@dataclass
class Ground:
    """Two nodes, a registry, an authority, and an endpoint on node-1.

    With `separate`, manager and forwarder of a node are two processes, else it is `nsm node`.
    """

    separate: bool = False
    prefixes: str = PREFIX
    folder: Path = field(default_factory=Path)
    spaces: dict[str, Netns] = field(default_factory=dict)
    processes: dict[str, subprocess.Popen] = field(default_factory=dict)
    ready: set[str] = field(default_factory=set)
    _begun: dict[str, tuple[str, Sequence[str], Mapping[str, str]]] = field(default_factory=dict)

    async def __aenter__(self) -> Self:
        self._kept = tempfile.TemporaryDirectory(prefix="nsm-bench-", ignore_cleanup_errors=True)
        self.folder = Path(self._kept.name)
        self.kernel = Kernel()
        self._news = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._news.setblocking(False)
        self._news.bind(str(self.folder / "news.sock"))
        self._told: asyncio.Queue[dict[str, object]] = asyncio.Queue()
        asyncio.get_running_loop().add_reader(self._news, self._listen)
        try:
            await self._build()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *failure: object) -> None:
        for process in reversed(self.processes.values()):
            process.terminate()
        for process in self.processes.values():
            await asyncio.to_thread(end, process)
        asyncio.get_running_loop().remove_reader(self._news)
        self._news.close()
        await self.kernel.close()
        self.spaces.clear()
        self._kept.cleanup()

    def pid(self, who: str) -> int:
        """The pid of a program."""
        return self.processes[who].pid

    def environ(self, name: str) -> dict[str, str]:
        """What every program of the mesh is told."""
        return {
            "NSM_NAME": name,
            "NSM_LOG_LEVEL": "WARN",
            "NSM_STATUS_SOCKET": str(self.folder / "news.sock"),
            "SPIFFE_ENDPOINT_SOCKET": f"unix://{self.folder}/agent.sock",
            "PYTHONPATH": str(ROOT / "src"),
            "TMPDIR": str(self.folder),
        }

    def manager(self, node: str) -> str:
        """Where the manager of a node serves clients."""
        return f"unix://{self.folder}/{node}.sock"

    async def start(self, who: str, where: str, words: Sequence[str], **environ: str) -> None:
        """Start a program and wait until it is ready."""
        self._begun[who] = where, words, environ
        self.run(who, where, words, **environ)
        await self.until_ready(who)

    def run(self, who: str, where: str, words: Sequence[str], **environ: str) -> None:
        """Start a program, and wait for nothing."""
        with (self.folder / f"{who}.log").open("ab") as log:
            self.processes[who] = begin(
                self.spaces[where], words, {**self.environ(who), **environ}, stderr=log
            )

    async def again(self, who: str) -> None:
        """Start a program as it was started before."""
        where, words, environ = self._begun[who]
        await self.start(who, where, words, **environ)

    async def kill(self, who: str) -> None:
        """Kill a program as a crash does."""
        self.processes[who].kill()
        await asyncio.to_thread(self.processes[who].wait)
        self.ready.discard(who)

    async def until_ready(self, who: str) -> None:
        """Wait until a program has said so, or say why it will not."""
        until = perf_counter() + PATIENCE
        while who not in self.ready:
            code = self.processes[who].poll()
            if code is not None or perf_counter() > until:
                how = "still runs" if code is None else f"ended with {code}"
                raise RuntimeError(f"{who} is not ready and {how}:\n{self.log(who)[-3000:]}")
            await self.heard(0.5)

    async def heard(self, seconds: float) -> dict[str, object] | None:
        """What a program tells next; None where nobody does for so long."""
        try:
            async with asyncio.timeout(seconds):
                news = await self._told.get()
        except TimeoutError:
            return None
        if news.get("ready"):
            self.ready.add(str(news["name"]))
        return news

    def _listen(self) -> None:
        self._told.put_nowait(json.loads(self._news.recv(1 << 16)))

    async def settle(self, left: int = 0) -> None:
        """Wait until no more than `left` vWires stand anywhere: the kernel takes its time."""
        until = perf_counter() + PATIENCE
        places = [self.spaces[name] for name in (*CLIENTS, "responder")]
        while perf_counter() < until:
            if max([len(await self.kernel.links(place)) for place in places]) <= left + 1:
                return
            await asyncio.sleep(0.05)
        raise RuntimeError("closed vWires are still there")

    def log(self, who: str) -> str:
        """What a program said."""
        return (self.folder / f"{who}.log").read_text()

    async def _build(self) -> None:
        middle = self.spaces["middle"] = space()
        await bridge(self.kernel, LinkEnd(middle, "br0"))
        for number, name in enumerate(("registry", *NODES), 1):
            own = self.spaces[name] = space()
            address = ip_interface(f"100.64.0.{number}/24")
            port = LinkEnd(middle, f"p{number}")
            await plug(self.kernel, LinkEnd(own, "eth0"), port, "br0", [address])
        for name in ("identity", "responder", *CLIENTS):
            self.spaces[name] = space()
        for netns in self.spaces.values():
            await self.kernel.apply(SetLink(netns, "lo", up=True))
        await self._authority()
        await self.start(
            "registry",
            "registry",
            python("nsm.components.registry"),
            NSM_LISTEN_ON="tcp://100.64.0.1:5002",
        )
        for number, node in enumerate(NODES, 2):
            await self._node(node, f"100.64.0.{number}")
        await self.start(
            "responder",
            "responder",
            python("nsm.components.endpoint", "icmp-responder"),
            NSM_CONNECT_TO=self.manager(NODES[0]),
            NSM_SERVICE_NAMES=SERVICE,
            NSM_PAYLOAD="IP",
            NSM_CIDR_PREFIX=self.prefixes,
        )

    async def _authority(self) -> None:
        entries = [
            {"id": f"spiffe://bench/{name}", "netns": f"inode://{n.key.dev}/{n.key.ino}"}
            for name, n in self.spaces.items()
        ]
        (self.folder / "entries.yaml").write_text(yaml.safe_dump({"entries": entries}))
        await self.start(
            "identity",
            "identity",
            python("nsm.components.identity"),
            NSM_TRUST_DOMAIN="bench",
            NSM_LISTEN_ON=f"unix://{self.folder}/agent.sock",
            NSM_ENTRIES=str(self.folder / "entries.yaml"),
        )

    async def _node(self, node: str, address: str) -> None:
        manager = {
            "NSM_LISTEN_ON": f"{self.manager(node)},tcp://{address}:5001",
            "NSM_REGISTRY_URL": "tcp://100.64.0.1:5002",
        }
        forwarder = {"NSM_TUNNEL_IP": address, "NSM_STATE_DIR": str(self.folder / node)}
        if not self.separate:
            both = {**manager, **forwarder, "NSM_FORWARDER_NAME": f"forwarder-{node}"}
            await self.start(node, node, python("nsm.node"), **both)
            return
        await self.start(node, node, python("nsm.components.manager"), **manager)
        to = {"NSM_CONNECT_TO": self.manager(node), **forwarder}
        await self.start(f"forwarder-{node}", node, python("nsm.components.forwarder"), **to)


def end(process: subprocess.Popen) -> None:
    """Wait for a program that was told to stop; it is ended if it takes too long."""
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
