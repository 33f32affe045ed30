"""From a command to the first ping: a whole world, and one client on a node that stands."""

import asyncio
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

from bench.clients import NEAR
from bench.figures import Report, cpu
from bench.ground import NODES, PATIENCE, ROOT, SERVICE, Ground, begin
from nsm.api.connection import Connection
from nsm.api.context import ConnectionContext, IpContext
from nsm.api.mechanism import KERNEL, LOCAL, NAME, Mechanism
from nsm.dataplane.named import inside
from nsm.elements.liveness import CheckLiveness

NSM = Path(sys.executable).parent / "nsm"
WORLD = "bench-two-nodes"


async def measure(quick: bool = False) -> Report:
    """Both."""
    report = Report()
    worlds, times = (1, 3) if quick else (5, 15)
    await world()  # warm: files in the page cache, bytecode written
    ups = [await world() for _ in range(worlds)]
    report.times("nsm up to first ping, two nodes", [[up] for up, _ in ups], goal=5000.0)
    report.times("nsm down", [[down] for _, down in ups])
    async with Ground() as ground:
        await client(ground)
        taken = [await client(ground) for _ in range(times)]
    report.times("nsm client to first ping, local", [[each[0] for each in taken]], goal=350.0)
    report.raw["cpu"] = [each[1] for each in taken]
    report.add("nsm client to first ping", median(each[1] for each in taken) * 1e3, "ms CPU")
    return report


async def world() -> tuple[float, float]:
    """Seconds until a ping from the other node was answered, and until all was gone again."""
    with tempfile.TemporaryDirectory() as folder:
        file = shutil.copy(ROOT / "examples" / "two-nodes.yaml", f"{folder}/{WORLD}.yaml")
        begun = perf_counter()
        try:
            await command("up", file, "-d")
            await command("ping", "far", "icmp-responder", "-c", "1", "-m", WORLD)
            up = perf_counter()
        finally:
            await command("down", WORLD)
        return up - begun, perf_counter() - up


async def command(*words: str) -> None:
    """Run `nsm`; it must succeed."""
    process = await asyncio.create_subprocess_exec(
        str(NSM), *words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    said, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"nsm {' '.join(words)}: {said.decode()[-1000:]}")


async def client(ground: Ground) -> tuple[float, float]:
    """Seconds from starting `nsm client` to the answer of its first ping, and of its CPU."""
    environ = {
        **ground.environ(NEAR),
        "NSM_CONNECT_TO": ground.manager(NODES[0]),
        "NSM_NETWORK_SERVICES": f"kernel://{SERVICE}/nsm-1",
    }
    begun = perf_counter()
    process = begin(ground.spaces[NEAR], (str(NSM), "client"), environ)
    try:
        conn = await standing(ground)
        alive = CheckLiveness(lambda make: inside(ground.spaces[NEAR], make))
        if not await alive(conn):
            raise RuntimeError("the client's vWire does not carry")
        return perf_counter() - begun, cpu(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(process.wait, 10)
        await ground.settle()


async def standing(ground: Ground) -> Connection:
    """The vWire a client tells of, once it stands."""
    while news := await ground.heard(PATIENCE):
        story = news.get("connection")
        if story and story["state"] == "up":
            ip = IpContext(tuple(story["src"]), tuple(story["dst"]))
            mechanism = Mechanism(LOCAL, KERNEL, {NAME: story["interface"]})
            return Connection(mechanism=mechanism, context=ConnectionContext(ip_context=ip))
    raise RuntimeError("the client has no vWire")
