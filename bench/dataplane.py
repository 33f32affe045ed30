"""Figures of the data plane, each beside a floor measured in the same run.

`python -m bench.dataplane` (root) prints JSON: what a vWire costs to make and to remove, and what
it carries against a pair or tunnel made by hand in the same placement. Medians; times in ms.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from ipaddress import ip_address, ip_interface
from statistics import median, quantiles
from time import perf_counter

from nsm.api.connection import IP, Connection
from nsm.api.context import ConnectionContext, IpContext
from nsm.api.mechanism import REMOTE, VXLAN, Mechanism
from nsm.dataplane import plan
from nsm.dataplane.kernel import Kernel
from nsm.dataplane.ledger import NodeKey, Tag
from nsm.dataplane.named import bridge, inside, plug
from nsm.dataplane.netns import Netns, returning_home, unshare
from nsm.dataplane.ops import AddAddress, AddRoute, AddVeth, AddVxlan, LinkEnd, Op

KEY = NodeKey(b"bench" * 6 + b"xx")
TIMES = 200
ROUNDS = 7
SECONDS = 2
FIRST4, FIRST6 = ip_address("172.16.1.0"), ip_address("2001:db8::")
TUNNEL = Mechanism(REMOTE, VXLAN, {"src_ip": "100.64.0.1", "dst_ip": "100.64.0.2", "vni": "10"})
Figures = dict[str, object]


def space() -> Netns:
    """A new namespace, which dies with its handle."""
    with returning_home():
        unshare()
        return Netns.current()


async def nodes(kernel: Kernel) -> tuple[Netns, Netns, Netns]:
    """Two nodes, and the bridge between them."""
    middle, made = space(), (space(), space())
    await bridge(kernel, LinkEnd(middle, "br0"))
    for number, node in enumerate(made, 1):
        address = ip_interface(f"100.64.0.{number}/24")
        await plug(kernel, LinkEnd(node, "eth0"), LinkEnd(middle, f"p{number}"), "br0", [address])
    return (*made, middle)


def local(number: int, a: Netns, b: Netns) -> tuple[Op, ...]:
    """A whole vWire on one node."""
    return plan.local(connection(number), end(a, number, "client"), end(b, number, "endpoint"))


def remote(
    number: int, ends: tuple[Netns, Netns], under: tuple[Netns, Netns]
) -> list[tuple[Op, ...]]:
    """Both halves of a vWire across two nodes."""
    asked = connection(number, TUNNEL.having(vni=str(number + 100)))
    return [
        plan.remote(asked, role, end(netns, number, role), plan.Underlay(node))
        for role, netns, node in zip((plan.CLIENT, plan.ENDPOINT), ends, under, strict=True)
    ]


def connection(number: int, mechanism: Mechanism | None = None) -> Connection:
    """A pair of addresses of each family, its own for each number."""
    src, dst = 2 * number + 1, 2 * number
    context = ConnectionContext(
        ip_context=IpContext(
            (f"{FIRST4 + src}/32", f"{FIRST6 + src}/128"),
            (f"{FIRST4 + dst}/32", f"{FIRST6 + dst}/128"),
        )
    )
    return Connection(id=f"c-{number}", payload=IP, context=context, mechanism=mechanism)


def end(netns: Netns, number: int, role: str) -> plan.End:
    return plan.End(netns, f"nsm-{number}", KEY.alias(Tag.of(f"c-{number}", role)))


def spread(samples: list[float]) -> dict[str, float]:
    """Median and 99th percentile, in milliseconds."""
    return {
        "p50": round(median(samples) * 1e3, 3),
        "p99": round(quantiles(samples, n=100)[98] * 1e3, 3),
    }


async def timed(work: Awaitable[object]) -> float:
    begun = perf_counter()
    await work
    return perf_counter() - begun


async def lifecycle(kernel: Kernel, make: Callable[[int], tuple[Op, ...]]) -> Figures:
    """Make vWires one at a time, earlier ones held, and remove them; then a hundred at once."""
    plans = [make(number) for number in range(TIMES)]
    made = [await timed(kernel.apply(*ops)) for ops in plans]
    removed = [await timed(kernel.apply(*plan.undo(ops))) for ops in plans]
    await kernel.settle()
    many = [make(number) for number in range(100)]
    together = await timed(asyncio.gather(*(kernel.apply(*ops) for ops in many)))
    apart = await timed(asyncio.gather(*(kernel.apply(*plan.undo(ops)) for ops in many)))
    gone = await timed(kernel.settle())
    return {
        "create_ms": spread(made),
        "delete_ms_for_the_caller": spread(removed),
        "create_100_at_once_ms": round(together * 1e3, 1),
        "delete_100_at_once_ms": round(apart * 1e3, 1),
        "until_gone_from_the_kernel_ms": round(gone * 1e3, 1),
    }


async def carries(client: Netns, endpoint: Netns, address: str) -> tuple[float, float]:
    """TCP in Gb/s, and the median round trip of 300 pings in µs."""
    server = await inside(endpoint, lambda: start("iperf3", "-s", "-1"))
    try:
        await asyncio.sleep(0.3)
        said = await inside(client, lambda: run("iperf3", "-c", address, f"-t{SECONDS}", "-J"))
        await asyncio.to_thread(server.wait, 10)
    finally:
        server.kill()
        await asyncio.to_thread(server.wait)
    pings = await inside(client, lambda: run("ping", "-c300", "-i0.002", address))
    trips = [
        float(line.split("time=")[1].split()[0]) for line in pings.splitlines() if "time=" in line
    ]
    return json.loads(said)["end"]["sum_received"]["bits_per_second"] / 1e9, median(trips) * 1e3


def start(*command: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


def run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout


async def against(ours: tuple[Netns, Netns], bare: tuple[Netns, Netns]) -> Figures:
    """Several rounds of each, taking turns; ratios of the medians (more is better)."""
    figures: dict[str, list[tuple[float, float]]] = {"ours": [], "bare": []}
    for _ in range(ROUNDS):
        figures["ours"].append(await carries(*ours, "172.16.1.0"))
        figures["bare"].append(await carries(*bare, "172.16.1.0"))
    tcp = {who: median(f[0] for f in rounds) for who, rounds in figures.items()}
    trip = {who: median(f[1] for f in rounds) for who, rounds in figures.items()}
    return {
        "tcp_gbps": {who: round(value, 2) for who, value in tcp.items()},
        "ping_us": {who: round(value, 1) for who, value in trip.items()},
        "tcp_ratio": round(tcp["ours"] / tcp["bare"], 3),
        "ping_ratio": round(trip["bare"] / trip["ours"], 3),
    }


def by_hand(netns: Netns, mine: str, theirs: str) -> tuple[Op, ...]:
    """What a person would set on a bare link."""
    there = ip_interface(f"{theirs}/32").network
    return AddAddress(netns, "bare", ip_interface(f"{mine}/32")), AddRoute(netns, "bare", there)


async def bare_veth(kernel: Kernel) -> tuple[Netns, Netns]:
    a, b = space(), space()
    await kernel.apply(
        AddVeth(LinkEnd(a, "bare"), LinkEnd(b, "bare")),
        *by_hand(a, "172.16.1.1", "172.16.1.0"),
        *by_hand(b, "172.16.1.0", "172.16.1.1"),
    )
    return a, b


async def bare_vxlan(kernel: Kernel, under: tuple[Netns, Netns]) -> tuple[Netns, Netns]:
    made = space(), space()
    tips = [ip_address(f"100.64.0.{n}") for n in (1, 2)]
    inner = ["172.16.1.1", "172.16.1.0"]
    for side, (netns, node) in enumerate(zip(made, under, strict=True)):
        tunnel = AddVxlan(node, LinkEnd(netns, "bare"), 9, tips[side], tips[1 - side], 4789, 1450)
        await kernel.apply(tunnel, *by_hand(netns, inner[side], inner[1 - side]))
    return made


async def measure() -> Figures:
    """Everything, on a driver of its own."""
    kernel = Kernel()
    try:
        *made, _bridge = await nodes(kernel)
        under = (made[0], made[1])
        a, b = space(), space()
        figures: Figures = {
            "local": await lifecycle(kernel, lambda n: local(n, a, b)),
            "remote_one_half": await lifecycle(kernel, lambda n: remote(n, (a, b), under)[0]),
        }
        await kernel.settle()
        ours = space(), space()
        await kernel.apply(*local(0, *ours))
        figures["local_path"] = await against(ours, await bare_veth(kernel))
        ours = space(), space()
        for half in remote(0, ours, under):
            await kernel.apply(*half)
        figures["remote_path"] = await against(ours, await bare_vxlan(kernel, under))
        return figures
    finally:
        await kernel.close()


if __name__ == "__main__":
    json.dump(asyncio.run(measure()), sys.stdout, indent=2)
    print()
