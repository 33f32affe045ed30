"""What a vWire from before we were started is worth now."""

import asyncio
import os
from collections.abc import Mapping

from nsm.api.connection import DOWN, UP, Connection
from nsm.api.mechanism import INODE_URL
from nsm.api.names import InodeUrl
from nsm.elements.lifecycle import Liveness
from nsm.nouns import replace


async def looked_at(
    stood: Mapping[str, Connection], netns: str, liveness: Liveness | None
) -> dict[str, Connection]:
    """The same, but what ends in another namespace or no longer carries is down (W §3.11).

    What does carry is up, though it may stand as down where nobody asked for it meanwhile.
    """
    carries = await asyncio.gather(*(_carries(conn, netns, liveness) for conn in stood.values()))
    return {
        id: replace(conn, state=_state(conn, good=good, seen=liveness is not None))
        for (id, conn), good in zip(stood.items(), carries, strict=True)
    }


def _state(conn: Connection, *, good: bool, seen: bool) -> int:
    if not good:
        return DOWN
    return UP if seen else conn.state


async def _carries(conn: Connection, netns: str, liveness: Liveness | None) -> bool:
    if not _ends_here(conn, netns):
        return False
    return liveness is None or await liveness.says(liveness.alive, conn)


def _ends_here(conn: Connection, netns: str) -> bool:
    """Whether it is our namespace that it was made in, as far as it says."""
    url = conn.mechanism.get(INODE_URL) if conn.mechanism else ""
    if not InodeUrl.is_said_by(url):
        return True
    own = os.stat(netns)
    return InodeUrl.parse(url) == InodeUrl(own.st_dev, own.st_ino)
