"""What it costs to keep vWires: refreshes, looks, rest, and everybody after a restart.

Manager and forwarder are processes of their own, so that each is seen by itself.
"""

import asyncio
import time
from collections import defaultdict
from statistics import median

from bench.clients import NEAR, Client
from bench.figures import Report, cpu, rss
from bench.ground import NODES, Ground
from nsm.api.connection import Connection
from nsm.api.context import IpContext
from nsm.api.mechanism import KERNEL, NAME, Mechanism
from nsm.components.client.program import here
from nsm.elements.liveness import CheckLiveness

MANAGER, FORWARDER = NODES[0], f"forwarder-{NODES[0]}"
PATIENCE = 120.0
"""Seconds in which all must have been answered again."""
CLIENTS, EACH = 20, 50


async def measure(quick: bool = False) -> Report:
    """Several grounds, each from nothing."""
    found: dict[str, list[float]] = defaultdict(list)
    for _ in range(1 if quick else 3):
        async with Ground(separate=True) as ground:
            for name, value in (await one_client(ground, quick)).items():
                found[name].append(value)
        async with Ground(separate=True) as ground:
            found["reconnected"].append(await many_clients(ground))
        found["look"].append(await looked())
    report = Report(raw=dict(found))
    middle = {name: median(values) for name, values in found.items()}
    for who in ("client", "manager", "forwarder", "endpoint"):
        report.add(f"a refresh, {who}", middle[f"refresh {who}"], "µs CPU")
    report.add("a look by ping whether a vWire carries, client", middle["look"], "µs CPU")
    many = 200 if quick else 1000
    for who in ("client", "manager", "forwarder"):
        report.add(f"{many} at rest, {who}, of a core", middle[f"rest {who}"], "%", goal=1.0)
        report.add(f"{many} at rest, {who}", middle[f"rss {who}"], "MB")
    for who in ("manager", "forwarder"):
        report.add(f"{who} killed with {many}, all adopted", middle[f"adopted {who}"], "s")
    name = f"{CLIENTS} clients of {EACH}, all back at a restarted manager"
    report.add(name, middle["reconnected"], "s", goal=15.0)
    return report


async def one_client(ground: Ground, quick: bool) -> dict[str, float]:
    """Refreshes, rest, and two restarts, with one client that holds all."""
    many, some, rest = (200, 50, 3.0) if quick else (1000, 100, 10.0)
    client = await Client.start(ground, NEAR)
    pids = {"client": client.process.pid, "endpoint": ground.pid("responder")}
    pids |= {"manager": ground.pid(MANAGER), "forwarder": ground.pid(FORWARDER)}
    await client.connect(some)
    await client.connect(some)  # the first refresh of each opens what later ones use
    found = {f"refresh {who}": took for who, took in (await refreshed(client, pids, some)).items()}
    await connected(client, many - some, some)
    await asyncio.sleep(2)
    before = {who: cpu(pid) for who, pid in pids.items()}
    await asyncio.sleep(rest)
    for who, pid in pids.items():
        found[f"rest {who}"] = (cpu(pid) - before[who]) / rest * 100
        found[f"rss {who}"] = rss(pid)
    for what, who in (("manager", MANAGER), ("forwarder", FORWARDER)):
        found[f"adopted {what}"] = await restarted(ground, who, [(client, many, 0)])
        await asyncio.sleep(2)
    return found


async def many_clients(ground: Ground) -> float:
    """Seconds until twenty programs, each with its own vWires, are back at their manager."""
    clients = []
    for number in range(CLIENTS):
        client = await Client.start(ground, NEAR, f"{NEAR}-{number}")
        clients.append((client, EACH, number * EACH))
        await connected(*clients[-1])
    return await restarted(ground, MANAGER, clients)


async def looked() -> float:
    """µs of CPU a client spends on one look, which it does five times a second for each vWire."""
    looks, check = 2000, CheckLiveness(here)
    mechanism = Mechanism(type=KERNEL, parameters={NAME: "lo"})
    near, far = "127.0.0.1/32", "127.0.0.2/32"
    conn = Connection("bench", mechanism=mechanism).with_ip(IpContext((near,), (far,)))
    before = time.process_time()
    for _ in range(looks):
        if not await check(conn):
            raise RuntimeError("the loopback interface does not answer")
    return (time.process_time() - before) / looks * 1e6


async def connected(client: Client, count: int, first: int) -> None:
    """Connect so many, and none may fail."""
    made = await client.connect(count, first)
    if made.failed:
        raise RuntimeError(f"{made.failed} connections failed; see the client's log")


async def refreshed(client: Client, pids: dict[str, int], count: int) -> dict[str, float]:
    """µs of CPU a refresh costs each program."""
    rounds = 5
    before = {who: cpu(pid) for who, pid in pids.items()}
    for _ in range(rounds):
        await client.connect(count)
    return {who: (cpu(pid) - before[who]) / (count * rounds) * 1e6 for who, pid in pids.items()}


async def restarted(ground: Ground, who: str, clients: list[tuple[Client, int, int]]) -> float:
    """Seconds from the death of a program, started again at once, until all were answered."""
    died = time.monotonic()
    await ground.kill(who)
    await ground.again(who)
    while True:
        last = [await client.answered(count, first) for client, count, first in clients]
        times = [at for each in last for at in each]
        if len(times) == sum(count for _, count, _ in clients) and min(times) > died:
            return max(times) - died
        if time.monotonic() - died > PATIENCE:
            late = sum(at < died for at in times)
            raise RuntimeError(f"{late} were not answered again:\n{ground.log(who)[-2000:]}")
        await asyncio.sleep(0.2)
