"""A registry in a process of its own, besieged; and an honest client that goes on asking it."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from nsm.api.registration import Endpoint, Query
from nsm.identity.bundle import Bundles
from nsm.identity.source import Source
from nsm.identity.svid import Svid
from nsm.rpc import Pool
from nsm.sdk import Call, Clock
from nsm.sdk.streams import reading
from nsm.wire import decode
from nsm.wire.workload import X509SvidResponse

from .agency import first_answer, own
from .forging import Card
from .realm import Person

MOST_MEMORY = 64 << 20
"""Bytes that any attack may make a program grow by."""


class Closing(Pool):
    """A pool for a while."""

    async def aclose(self) -> None:
        await self.close()


@dataclass(frozen=True)
class Besieged:
    """The process, where it listens, and who we are to it."""

    process: "subprocess.Popen[bytes]"
    url: str
    id: str
    svid: Svid
    bundles: Bundles

    @property
    def person(self) -> Person:
        return Person(self.id, Card.of(self.svid))

    def pool(self) -> "Closing":
        source = Source(Clock())
        source.update(self.svid, self.bundles)
        return Closing(source, source)

    def memory(self, what: str = "VmRSS") -> int:
        """Bytes it has now, or (VmHWM) had at most."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(what):
                return int(line.split()[1]) << 10
        raise LookupError(what)

    @property
    def open_files(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    @asynccontextmanager
    async def under_attack(self, most: int = MOST_MEMORY) -> AsyncIterator["Honest"]:
        """Meanwhile others ask, are answered, and memory stays bounded."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")  # the peak begins anew
        before = self.memory()
        honest = Honest(self)
        asking = asyncio.create_task(honest.ask())
        try:
            yield honest
            await honest.twice()
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        assert not honest.failures
        assert self.process.poll() is None
        grown = self.memory("VmHWM") - before
        assert grown < most, f"{grown >> 20} MiB more"


class Honest:
    """Somebody who asks all the while, each time as a newcomer too."""

    def __init__(self, besieged: Besieged) -> None:
        self.besieged = besieged
        self.answered = 0
        self.slowest = 0.0
        self.failures: list[Exception] = []

    async def ask(self) -> None:
        async with aclosing(self.besieged.pool()) as kept:
            while True:
                await self.once(kept)
                async with aclosing(self.besieged.pool()) as fresh:
                    await self.once(fresh)
                await asyncio.sleep(0.05)

    async def once(self, pool: Pool) -> None:
        began = time.monotonic()
        try:
            channel = await pool.dial(self.besieged.url, 8)
            call = Call(deadline=Clock().ticks() + 8)
            found = channel.endpoints.find(call, Query(Endpoint(name="none")))
            async with reading(found) as answers:
                assert [answer async for answer in answers] == []
            self.answered += 1
        except Exception as error:
            self.failures.append(error)
        self.slowest = max(self.slowest, time.monotonic() - began)

    async def twice(self) -> None:
        """Until it was answered twice more."""
        until = self.answered + 2
        for _ in range(1000):
            if self.answered >= until or self.failures:
                return
            await asyncio.sleep(0.02)
        raise TimeoutError("nobody was answered for 20 s")


@contextmanager
def running(folder: Path) -> Iterator[Besieged]:
    """An authority and a registry, as anybody would start them."""
    (folder / "entries.yaml").write_text(
        f"entries: [{{id: spiffe://test/all, uid: {os.getuid()}}}]"
    )
    agent, registry = folder / "agent.sock", folder / "registry.sock"
    authority = program(
        "identity",
        NSM_TRUST_DOMAIN="test",
        NSM_LISTEN_ON=f"unix://{agent}",
        NSM_ENTRIES=f"{folder}/entries.yaml",
        NSM_STORE=f"{folder}/store",
    )
    try:
        wait_for(agent)
        served = program(
            "registry",
            NSM_LISTEN_ON=f"unix://{registry}",
            SPIFFE_ENDPOINT_SOCKET=f"unix://{agent}",
            NSM_LOG_LEVEL="ERROR",
        )
        try:
            wait_for(registry)
            answer = asyncio.run(first_answer(own(agent)))
            first = decode(X509SvidResponse, answer.message).svids[0]
            svid = Svid.parse(first.x509_svid, first.x509_svid_key, id=first.spiffe_id)
            bundles = Bundles.parse(svid.id, first.bundle, {})
            yield Besieged(served, f"unix://{registry}", str(svid.id), svid, bundles)
        finally:
            end(served)
    finally:
        end(authority)


def program(name: str, **environ: str) -> "subprocess.Popen[bytes]":
    kept = {key: value for key, value in os.environ.items() if not key.startswith("NSM_")}
    words = [sys.executable, "-m", f"nsm.components.{name}"]
    return subprocess.Popen(words, env={**kept, **environ})


def wait_for(path: Path) -> None:
    until = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < until, f"{path} did not come"
        time.sleep(0.02)


def end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
