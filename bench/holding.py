"""What a node costs that holds nothing, a hundred vWires, a thousand; and whether more slow it."""

import asyncio
from statistics import median

from bench.clients import NEAR, Client
from bench.dataplane import space
from bench.figures import Report, cpu, rss, timed
from bench.ground import NODES, Ground
from nsm.dataplane.ops import AddVeth, LinkEnd

WINDOW = 50
"""First and last connections whose median is taken: one alone is luck."""


async def measure(quick: bool = False) -> Report:
    """Several nodes, each from nothing to a thousand."""
    report, runs, most = Report(), 1 if quick else 3, 300 if quick else 1000
    found: dict[str, list[float]] = {}
    for _ in range(runs):
        async with Ground() as ground:
            for name, value in (await hold(ground, most, 5 if quick else 10)).items():
                found.setdefault(name, []).append(value)
    middle = {name: median(values) for name, values in found.items()}
    report.add("idle, resident", middle["idle_mb"], "MB", goal=60.0)
    report.add("with 100, of a core", middle["idle_cpu"] * 100, "%", goal=1.0)
    report.add("node, a connection", middle["node_kb"], "KB", goal=30.0)
    report.add("endpoint, a connection", middle["endpoint_kb"], "KB")
    report.add("client, a connection", middle["client_kb"], "KB")
    report.add(
        f"the {most}th of the 10th",
        middle["slower"],
        "x",
        goal=1.3,
        beside=f"{middle['late_ms']:.1f} and {middle['early_ms']:.1f} ms;"
        f" a bare pair {middle['bare_late_ms']:.1f} and {middle['bare_early_ms']:.1f}",
    )
    report.raw.update(found)
    return report


async def hold(ground: Ground, most: int, seconds: float) -> dict[str, float]:
    """One node, filled."""
    node, endpoint = ground.pid(NODES[0]), ground.pid("responder")
    idle = rss(node)
    client = await Client.start(ground, NEAR)
    asker = client.process.pid
    await client.connect(WINDOW)  # the very first open channels and code
    await client.close(WINDOW)
    await ground.settle()
    first = await client.connect(100)
    await asyncio.sleep(2)
    before = cpu(node)
    await asyncio.sleep(seconds)
    used = (cpu(node) - before) / seconds
    held = [rss(pid) for pid in (node, endpoint, asker)]
    rest = await client.connect(most - 100, 100)
    grown = [
        (rss(pid) - was) * 1e3 / (most - 100)
        for pid, was in zip((node, endpoint, asker), held, strict=True)
    ]
    if first.failed or rest.failed:
        raise RuntimeError(f"{first.failed + rest.failed} connections failed")
    early, late = median(first.seconds[:WINDOW]), median(rest.seconds[-WINDOW:])
    bare = await pairs(ground, most)
    return {
        "bare_early_ms": median(bare[:WINDOW]) * 1e3,
        "bare_late_ms": median(bare[-WINDOW:]) * 1e3,
        "idle_mb": idle,
        "idle_cpu": used,
        "node_kb": grown[0],
        "endpoint_kb": grown[1],
        "client_kb": grown[2],
        "early_ms": early * 1e3,
        "late_ms": late * 1e3,
        "slower": late / early,
    }


async def pairs(ground: Ground, count: int) -> list[float]:
    """Seconds the kernel takes for bare pairs, all kept, between two namespaces."""
    a, b = space(), space()
    names = [(f"x{number}", f"y{number}") for number in range(count)]
    ops = [AddVeth(LinkEnd(a, mine), LinkEnd(b, theirs)) for mine, theirs in names]
    return [await timed(ground.kernel.apply(op)) for op in ops]
