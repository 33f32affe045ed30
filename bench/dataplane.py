"""The kernel driver alone: what a vWire costs to make and to remove, with nobody to ask."""

import asyncio
from collections.abc import Callable
from ipaddress import ip_address, ip_interface

from bench.figures import Report, timed
from nsm.api.connection import IP, Connection
from nsm.api.context import ConnectionContext, IpContext
from nsm.api.mechanism import REMOTE, VXLAN, Mechanism
from nsm.dataplane import plan
from nsm.dataplane.kernel import Kernel
from nsm.dataplane.ledger import NodeKey, Tag
from nsm.dataplane.named import bridge, plug
from nsm.dataplane.netns import Netns, returning_home, unshare
from nsm.dataplane.ops import LinkEnd, Op

KEY = NodeKey(b"bench" * 6 + b"xx")
FIRST4, FIRST6 = ip_address("172.16.1.0"), ip_address("2001:db8::")
TUNNEL = Mechanism(REMOTE, VXLAN, {"src_ip": "100.64.0.1", "dst_ip": "100.64.0.2", "vni": "10"})
Plans = Callable[[int], tuple[Op, ...]]


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


async def measure(quick: bool = False) -> Report:
    """Pairs on one node, and one half of a tunnel between two."""
    report, kernel = Report(), Kernel()
    times, runs = (50, 1) if quick else (200, 3)
    try:
        *made, _bridge = await nodes(kernel)
        under, ends = (made[0], made[1]), (space(), space())
        await lifecycle(report, kernel, "pair", lambda n: local(n, *ends), (times, runs))
        half = "half a tunnel"
        await lifecycle(report, kernel, half, lambda n: remote(n, ends, under)[0], (times, runs))
    finally:
        await kernel.close()
    return report


async def lifecycle(
    report: Report, kernel: Kernel, what: str, make: Plans, how_often: tuple[int, int]
) -> None:
    """Make vWires one at a time, earlier ones held, and remove them; then a hundred at once."""
    times, runs = how_often
    taken: dict[str, list[list[float]]] = {}
    plans, many = [make(number) for number in range(times)], [make(n) for n in range(100)]
    for _ in range(runs):
        samples = {
            "make": [await timed(kernel.apply(*ops)) for ops in plans],
            "remove": [await timed(kernel.apply(*plan.undo(ops))) for ops in plans],
            "settle": [await timed(kernel.settle())],
            "make 100": [await timed(all_of(kernel, many))],
            "remove 100": [await timed(all_of(kernel, [plan.undo(ops) for ops in many]))],
        }
        await kernel.settle()
        for name, each in samples.items():
            taken.setdefault(name, []).append(each)
    for name, each in taken.items():
        report.times(f"{name}, {what}", each)


async def all_of(kernel: Kernel, many: list[tuple[Op, ...]]) -> None:
    """Carry out several plans at once."""
    await asyncio.gather(*(kernel.apply(*ops) for ops in many))
