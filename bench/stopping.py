"""How long an orderly end takes: SIGTERM to a program that holds a hundred vWires.

A client closes them all; an endpoint and a node let go of them. Beside it, when the last of the
client's interfaces is gone from the kernel: deletes are grouped, and nobody waits for them.
"""

import asyncio
from collections.abc import Sequence
from time import perf_counter

from bench.clients import FAR, NEAR
from bench.figures import Report
from bench.ground import NODES, PATIENCE, SERVICE, Ground, python

GOAL = 2000.0
MEANT = {NEAR: "local", FAR: "remote"}


async def measure(quick: bool = False) -> Report:
    """Clients on both nodes, then who serves them."""
    count, runs = (20, 1) if quick else (100, 5)
    report = Report()
    async with Ground() as ground:
        for where, meant in MEANT.items():
            ended, gone = [], []
            for _ in range(runs):
                await _hold(ground, where, count)
                began = perf_counter()
                ended.append([await _stop(ground, where)])
                await ground.settle()
                gone.append([perf_counter() - began])
            report.times(f"client ends, {count} {meant}", ended, goal=GOAL)
            report.times(f"interfaces gone, {count} {meant}", gone, goal=GOAL)
        await _hold(ground, NEAR, count)
        for who, what in (("responder", "endpoint"), (NODES[0], "node")):
            report.times(f"{what} ends, {count} local", [[await _stop(ground, who)]], goal=GOAL)
    return report


async def _hold(ground: Ground, where: str, count: int) -> None:
    """A client that has so many vWires."""
    ground.ready.discard(where)
    await ground.start(
        where,
        where,
        python("nsm.components.client"),
        NSM_CONNECT_TO=ground.manager(NODES[0] if where == NEAR else NODES[1]),
        NSM_NETWORK_SERVICES=",".join(_urls(count)),
    )
    kernel, until = ground.kernel, perf_counter() + PATIENCE
    while len(await kernel.links(ground.spaces[where])) <= count:
        if perf_counter() > until:
            raise RuntimeError(f"not all are up: {ground.log(where)[-3000:]}")
        await asyncio.sleep(0.05)


def _urls(count: int) -> Sequence[str]:
    return [f"kernel://{SERVICE}/nsm-{number}" for number in range(count)]


async def _stop(ground: Ground, who: str) -> float:
    """Seconds from SIGTERM to the end of a program, which must be a good one."""
    process, began = ground.processes[who], perf_counter()
    process.terminate()
    code = await asyncio.to_thread(process.wait, PATIENCE)
    took = perf_counter() - began
    if code:
        raise RuntimeError(f"{who} ended with {code}: {ground.log(who)[-3000:]}")
    return took
