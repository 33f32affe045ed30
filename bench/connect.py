"""How long a vWire takes: asked for over mTLS, agreed by every hop, made in the kernel.

One client process on each node asks for one after the other and keeps them; then for a hundred at
once. First with `nsm node`, then with every program in a process of its own. Beside it what the
kernel alone takes for a pair of interfaces, asked by command and by netlink.
"""

import subprocess
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter

from bench.clients import FAR, NEAR, Client
from bench.dataplane import local, space
from bench.figures import Report, cpu, timed
from bench.ground import Ground
from nsm.dataplane import plan
from nsm.dataplane.kernel import Kernel
from nsm.dataplane.netns import Netns, standing_in

GOALS = {
    (False, NEAR): {"goal": 10.0, "goal_p99": 30.0},
    (False, FAR): {"goal": 25.0, "goal_p99": 80.0},
    (True, NEAR): {"goal": 20.0},
    (True, FAR): {"goal": 45.0},
}
MEANT = {NEAR: "local", FAR: "remote"}


async def measure(quick: bool = False) -> Report:
    """Both ways to run the programs."""
    report = Report()
    for separate in (False, True):
        async with Ground(separate=separate) as ground:
            await _connecting(report, ground, quick)
    return report


@dataclass
class Taken:
    """Samples by what was done, a list a run; and the CPU each program used for a connection."""

    seconds: dict[str, list[list[float]]] = field(default_factory=lambda: defaultdict(list))
    cpu: dict[str, list[dict[str, float]]] = field(default_factory=lambda: defaultdict(list))


async def _connecting(report: Report, ground: Ground, quick: bool) -> None:
    what = "separate" if ground.separate else "node"
    count, runs = (30, 1) if quick else (100, 5)
    clients = {where: await Client.start(ground, where) for where in (NEAR, FAR)}
    for client in clients.values():
        await client.connect(20)
        await client.close(20)
    taken = Taken()
    for _ in range(runs):
        await ground.settle()
        for name, samples in (await floors(count // 3)).items():
            taken.seconds[name].append(samples)
        for where, client in clients.items():
            await _one_by_one(taken, ground, where, client, count)
    _tell(report, ground, what, taken)
    for where, client in clients.items():
        await _at_once(report, ground, client, f"{what} {MEANT[where]}", 1 if quick else 3)


async def _one_by_one(taken: Taken, ground: Ground, where: str, client: Client, count: int) -> None:
    before = _cpu(ground)
    made = await client.connect(count)
    taken.cpu[where].append(_each(before, _cpu(ground), count))
    closed = await client.close(count)
    await ground.settle()
    _no_failure(made.failed)
    taken.seconds[where].append(made.seconds)
    taken.seconds[f"close {where}"].append(closed.seconds)


def _tell(report: Report, ground: Ground, what: str, taken: Taken) -> None:
    beside = _beside(taken.seconds)
    for where, meant in MEANT.items():
        goal = GOALS[ground.separate, where]
        report.times(f"connect {what} {meant}", taken.seconds[where], beside=beside, **goal)
        spent = [sum(each.values()) for each in taken.cpu[where]]
        report.add(f"connect {what} {meant}, all programs", median(spent), "ms CPU")
    for where, meant in MEANT.items():
        goal = {} if ground.separate else {"goal": 5.0}
        report.times(f"close {what} {meant}", taken.seconds[f"close {where}"], **goal)
    report.raw[f"{what}: ms of CPU a connection"] = taken.cpu
    report.raw[f"{what}: floors"] = {name: taken.seconds[name] for name in ("ip", "netlink")}


async def _at_once(report: Report, ground: Ground, client: Client, what: str, runs: int) -> None:
    taken = []
    for _ in range(runs):
        made = await client.connect(100, at_once=True)
        await client.close(100, at_once=True)
        await ground.settle()
        _no_failure(made.failed)
        taken.append([made.all])
    report.times(f"100 at once {what}", taken, goal=2000.0)


def _no_failure(failed: int) -> None:
    if failed:
        raise RuntimeError(f"{failed} connections failed; see the client's log")


def _cpu(ground: Ground) -> dict[str, float]:
    return {who: cpu(process.pid) for who, process in ground.processes.items()}


def _each(before: dict[str, float], after: dict[str, float], count: int) -> dict[str, float]:
    return {who: round((after[who] - before[who]) / count * 1e3, 2) for who in after}


def _beside(taken: dict[str, list[list[float]]]) -> str:
    by_command, by_netlink = (middle(taken[name]) for name in ("ip", "netlink"))
    return f"ip link {by_command:.1f}, netlink {by_netlink:.1f}"


def middle(runs: Sequence[Sequence[float]]) -> float:
    """Median of all, in ms."""
    every = sorted(sample for run in runs for sample in run)
    return every[len(every) // 2] * 1e3


async def floors(count: int) -> dict[str, list[float]]:
    """What a bare pair takes by `ip link add`, and a whole addressed one by our netlink."""
    kernel, a, b = Kernel(), space(), space()
    try:
        by_command = [ip(a, number) for number in range(count)]
        by_netlink = []
        for number in range(count):
            ops = local(number, a, b)
            by_netlink.append(await timed(kernel.apply(*ops)))
            await kernel.apply(*plan.undo(ops))
        return {"ip": by_command, "netlink": by_netlink}
    finally:
        await kernel.close()


def ip(netns: Netns, number: int) -> float:
    """Seconds to make a bare pair in a namespace, by command."""
    words = ("ip", "link", "add", f"x{number}", "type", "veth", "peer", "name", f"y{number}")
    with standing_in(netns):
        begun = perf_counter()
        subprocess.run(words, check=True)
        return perf_counter() - begun
