"""What a vWire of the mesh carries, against the same interfaces made by hand.

Rounds of both take turns, so that what else the machine does hits both; ratios of medians.
"""

import asyncio
import json
import subprocess
from ipaddress import ip_address, ip_interface
from statistics import median
from typing import NamedTuple

from bench.clients import FAR, NEAR, Client
from bench.dataplane import space
from bench.figures import Report
from bench.ground import NODES, Ground, begin
from nsm.dataplane.kernel import Kernel
from nsm.dataplane.netns import Netns
from nsm.dataplane.ops import AddAddress, AddRoute, AddVeth, AddVxlan, LinkEnd, Op

SECONDS, PINGS = 2, 500
BY_HAND = ("172.30.0.1", "172.30.0.0")
MEANT = {NEAR: ("local", "a bare pair"), FAR: ("remote", "a hand-made vxlan")}


class Way(NamedTuple):
    """From where, to where, under which address."""

    client: Netns
    endpoint: Netns
    address: str


async def measure(quick: bool = False) -> Report:
    """Local and remote."""
    report, rounds = Report(), 3 if quick else 9
    async with Ground() as ground:
        under = tuple(ground.spaces[node] for node in reversed(NODES))
        bare = {NEAR: bare_pair, FAR: bare_vxlan}
        for where in (NEAR, FAR):
            client = await Client.start(ground, where)
            made = await client.connect(1)
            ours = Way(ground.spaces[where], ground.spaces["responder"], made.towards[0])
            theirs = await bare[where](ground.kernel, under)
            await compare(report, where, {"ours": ours, "bare": theirs}, rounds)
    return report


async def compare(report: Report, where: str, ways: dict[str, Way], rounds: int) -> None:
    """Several rounds of each, taking turns."""
    tcp: dict[str, list[float]] = {who: [] for who in ways}
    trip: dict[str, list[float]] = {who: [] for who in ways}
    for turn in range(rounds):
        for who in ways if turn % 2 else reversed(ways):
            tcp[who].append(await carries(ways[who]))
            trip[who].append(await answers(ways[who]))
    what, other = MEANT[where]
    gbps = {who: median(each) for who, each in tcp.items()}
    micros = {who: median(each) for who, each in trip.items()}
    report.add(
        f"tcp {what}, of {other}",
        gbps["ours"] / gbps["bare"],
        "x",
        goal=0.95,
        at_least=True,
        beside=f"{gbps['ours']:.2f} and {gbps['bare']:.2f} Gb/s",
    )
    report.add(
        f"ping {what}, {other} of it",
        micros["bare"] / micros["ours"],
        "x",
        goal=0.95,
        at_least=True,
        beside=f"{micros['ours']:.0f} and {micros['bare']:.0f} µs",
    )
    report.raw[what] = {"tcp_gbps": tcp, "ping_us": trip}


async def carries(way: Way) -> float:
    """TCP in Gb/s."""
    server = begin(way.endpoint, ("iperf3", "-s", "-1"), {}, stdout=subprocess.DEVNULL)
    try:
        await asyncio.sleep(0.3)
        said = await output(way.client, "iperf3", "-c", way.address, f"-t{SECONDS}", "-J")
    finally:
        server.kill()
        server.wait()
    return json.loads(said)["end"]["sum_received"]["bits_per_second"] / 1e9


async def answers(way: Way) -> float:
    """The median round trip of many pings, in µs."""
    said = await output(way.client, "ping", f"-c{PINGS}", "-i0.002", way.address)
    times = [line.split("time=")[1] for line in said.splitlines() if "time=" in line]
    return median(float(time.split()[0]) for time in times) * 1e3


async def output(netns: Netns, *words: str) -> str:
    """What a command says that runs in a namespace."""
    pipe = subprocess.PIPE
    process = begin(netns, words, {}, stdout=pipe, stderr=pipe, text=True)
    try:
        said, wrong = await asyncio.to_thread(process.communicate, timeout=30)
    finally:
        process.kill()
    if process.returncode:
        raise RuntimeError(f"{words[0]}: {said[-500:]} {wrong[-500:]}")
    return said


def by_hand(netns: Netns, mine: str, theirs: str) -> tuple[Op, ...]:
    """What a person would set on a bare link."""
    there = ip_interface(f"{theirs}/32").network
    return AddAddress(netns, "bare", ip_interface(f"{mine}/32")), AddRoute(netns, "bare", there)


async def bare_pair(kernel: Kernel, _: tuple[Netns, ...]) -> Way:
    """Two namespaces and a pair."""
    a, b = space(), space()
    mine, theirs = BY_HAND
    await kernel.apply(
        AddVeth(LinkEnd(a, "bare"), LinkEnd(b, "bare")),
        *by_hand(a, mine, theirs),
        *by_hand(b, theirs, mine),
    )
    return Way(a, b, theirs)


async def bare_vxlan(kernel: Kernel, under: tuple[Netns, ...]) -> Way:
    """Two namespaces, and between them a tunnel over the nodes' own link."""
    made = space(), space()
    tips = [ip_address("100.64.0.3"), ip_address("100.64.0.2")]
    for side, (netns, node) in enumerate(zip(made, under, strict=True)):
        tunnel = AddVxlan(node, LinkEnd(netns, "bare"), 9, tips[side], tips[1 - side], 4789, 1450)
        await kernel.apply(tunnel, *by_hand(netns, BY_HAND[side], BY_HAND[1 - side]))
    return Way(*made, BY_HAND[1])
