"""What the death of a manager, and of a forwarder, costs where each is a process of its own."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.chaos import sender
from tests.chaos.echoes import Echoes, Seen

from bench.ground import NODES, SERVICE, Ground, python
from nsm.dataplane.netns import Netns, standing_in

SPACING, INTERFACE, CLIENT = 0.001, "nsm-1", "near"
PINGS = Path("/proc/sys/net/ipv4/ping_group_range")
"""Whose groups may send echoes without privilege; the sender is root's."""
CALM = 1.0
"""Seconds before a death and after it, while echoes are counted."""
WITHIN = 30.0
APART = {"manager killed": NODES[0], "forwarder killed": f"forwarder-{NODES[0]}"}
"""Rows, and who is killed."""


async def apart(times: int) -> dict[str, list[Seen]]:
    """What each death did to a vWire on that node, so many times."""
    found: dict[str, list[Seen]] = {row: [] for row in APART}
    async with Ground(separate=True) as ground, watched(ground) as echoes:
        for row, who in APART.items():
            for _ in range(times):
                found[row].append(await once(ground, who, echoes))
    return found


@asynccontextmanager
async def watched(ground: Ground) -> AsyncIterator[Echoes]:
    """A client program with a vWire, and echoes through it."""
    await ground.start(
        CLIENT,
        CLIENT,
        python("nsm.components.client"),
        NSM_CONNECT_TO=ground.manager(NODES[0]),
        NSM_NETWORK_SERVICES=f"kernel://{SERVICE}/{INTERFACE}",
    )
    allow_pings(ground.spaces[CLIENT])
    file = ground.folder / "echoes"
    words = (sys.executable, "-I", "-S", str(sender.__file__), str(file), str(SPACING), INTERFACE)
    ground.run("sender", CLIENT, words)
    await asyncio.sleep(CALM)
    yield Echoes(file, [INTERFACE])


def allow_pings(netns: Netns) -> None:
    """Let senders that need no privilege send."""
    with standing_in(netns):
        PINGS.write_text("0 0")


async def once(ground: Ground, who: str, echoes: Echoes) -> Seen:
    """Kill, start again, and wait until the client was answered by what came back."""
    await asyncio.sleep(CALM)
    since = time.monotonic()
    await ground.kill(who)
    await ground.again(who)
    until = time.monotonic() + WITHIN
    while time.monotonic() < until:
        news = await ground.heard(0.5)
        healed = (news or {}).get("connection", {}).get("healed")
        if healed and healed["ms"] is not None:
            break
    else:
        raise RuntimeError(f"{who} came back and {CLIENT} was not answered")
    await asyncio.sleep(CALM)
    over = time.monotonic()
    await asyncio.sleep(sender.PATIENCE + 0.2)
    echoes.read()
    return echoes.seen(INTERFACE, since, over)
