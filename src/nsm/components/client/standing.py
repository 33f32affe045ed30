"""What a vWire from before we were started is worth now."""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import replace

from nsm.api.connection import DOWN, Connection
from nsm.api.mechanism import INODE_URL
from nsm.api.names import InodeUrl
from nsm.elements.lifecycle import Liveness


async def looked_at(
    stood: Mapping[str, Connection], netns: str, liveness: Liveness | None
) -> dict[str, Connection]:
    """The same, but what ends in another namespace or no longer carries is down (W §3.11)."""
    carries = await asyncio.gather(*(_carries(conn, netns, liveness) for conn in stood.values()))
    return {
        id: conn if good else replace(conn, state=DOWN)
        for (id, conn), good in zip(stood.items(), carries, strict=True)
    }


async def _carries(conn: Connection, netns: str, liveness: Liveness | None) -> bool:
    if not _ends_here(conn, netns):
        return False
    if liveness is None:
        return True
    try:
        async with asyncio.timeout(liveness.within):
            return await liveness.alive(conn)
    except TimeoutError:
        return False


def _ends_here(conn: Connection, netns: str) -> bool:
    """Whether it is our namespace that it was made in, as far as it says."""
    url = conn.mechanism.get(INODE_URL) if conn.mechanism else ""
    if not InodeUrl.is_said_by(url):
        return True
    own = os.stat(netns)
    return InodeUrl.parse(url) == InodeUrl(own.st_dev, own.st_ino)
