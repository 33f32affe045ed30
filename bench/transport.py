"""One call over mTLS, and a dial: the client here, the server a process of its own on this host."""

import asyncio
import multiprocessing
import tempfile
from collections.abc import Awaitable, Callable
from time import perf_counter, process_time

from bench.figures import Report, cpu, timed
from nsm.api.connection import Connection, Path, Request, Segment
from nsm.identity.authority import Authority
from nsm.identity.fake import FakeSource
from nsm.rpc import Pool, serve
from nsm.sdk import Call, Clock, Offer

AUTHORITY = Authority("bench", Clock())
SEGMENTS = tuple(Segment(f"hop-{n}", f"id-{n}", "x" * 400) for n in range(4))
ASKED = Connection("id-0", "bench", path=Path(0, SEGMENTS))


class Mirror:
    """Answers with what was asked for."""

    async def request(self, _: Call, request: Request) -> Connection:
        return request.connection

    async def close(self, _: Call, conn: Connection) -> None:
        return None


def server(pipe: "multiprocessing.connection.Connection", folder: str) -> None:
    """Serve until told anything, and echo bytes on a plain socket, too."""

    async def live() -> None:
        who = FakeSource.of("spiffe://bench/server", AUTHORITY)
        at = ["tcp://127.0.0.1:0", f"unix://{folder}/server.sock"]
        serving = await serve(Offer(connections=Mirror()), at, who, who)
        plain = await asyncio.start_unix_server(echo, f"{folder}/plain.sock")
        pipe.send(list(serving.addresses))
        await asyncio.to_thread(pipe.recv)
        plain.close()
        await serving.close(0.1)

    asyncio.run(live())


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say what is heard."""
    while data := await reader.read(4096):
        writer.write(data)
    writer.close()


async def measure(quick: bool = False) -> Report:
    """Over a unix socket and over TCP."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    with tempfile.TemporaryDirectory() as folder:
        process = context.Process(target=server, args=(theirs, folder), daemon=True)
        process.start()
        try:
            return await ask(await asyncio.to_thread(ours.recv), folder, process.pid, quick)
        finally:
            ours.send("stop")
            await asyncio.to_thread(process.join, 10)
            process.kill()


async def ask(addresses: list[str], folder: str, pid: int, quick: bool) -> Report:
    """Calls and dials, each several runs, and the floor of two processes waking each other."""
    report, (times, runs) = Report(), (100, 1) if quick else (500, 5)
    report.times("floor: plain echo", [await echoes(folder, times) for _ in range(runs)])
    for url in addresses:
        kind = url.partition(":")[0]
        who = FakeSource.of("spiffe://bench/client", AUTHORITY)
        pool = Pool(who, who)
        channel = await pool.dial(url)

        async def call() -> None:
            await channel.connections.request(Call(), Request(ASKED))  # noqa: B023 -- used below

        await repeated(call, 50)
        own, its = process_time(), cpu(pid)
        taken = [await repeated(call, times) for _ in range(runs)]
        report.times(f"unary {kind}", taken)
        calls = times * runs / 1e6
        report.add(f"unary {kind}, client", (process_time() - own) / calls, "µs CPU")
        report.add(f"unary {kind}, server", (cpu(pid) - its) / calls, "µs CPU")
        await pool.close()
        report.times(f"dial {kind}", [await dials(url, times // 10) for _ in range(runs)])
    return report


async def repeated(work: Callable[[], Awaitable[None]], times: int) -> list[float]:
    """One after the other."""
    return [await timed(work()) for _ in range(times)]


async def dials(url: str, times: int) -> list[float]:
    """New channels, each by a pool that has none."""
    taken = []
    for _ in range(times):
        who = FakeSource.of("spiffe://bench/client", AUTHORITY)
        pool = Pool(who, who)
        who.client_context()
        taken.append(await timed(pool.dial(url)))
        await pool.close()
    return taken


async def echoes(folder: str, times: int) -> list[float]:
    """A kilobyte there and back, by plain sockets and the same loop."""
    taken = []
    reader, writer = await asyncio.open_unix_connection(f"{folder}/plain.sock")
    for _ in range(times):
        begun = perf_counter()
        writer.write(b"x" * 1000)
        await reader.readexactly(1000)
        taken.append(perf_counter() - begun)
    writer.close()
    return taken
