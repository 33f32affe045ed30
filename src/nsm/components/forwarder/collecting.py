"""What a forwarder that died has left behind, and nobody asks for any more, is collected."""

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from nsm.dataplane.driver import Driver
from nsm.dataplane.ledger import NodeKey, Tag
from nsm.dataplane.netns import Netns
from nsm.dataplane.sweep import namespaces, sweep
from nsm.elements.kernel import JoinNamespaces
from nsm.errors import NsmError
from nsm.sdk import Clock

log = logging.getLogger(__name__)

NAMED = Path("/run/netns")
"""Where namespaces stand that have a name, whether anyone is in them or not."""
EVERY = 60.0
"""Seconds between two looks at every namespace of the host."""


async def everywhere() -> tuple[Netns, ...]:
    """Every namespace of this host that somebody is in, or that has a name."""
    return await namespaces(NAMED)


async def collect(
    join: JoinNamespaces,
    kernel: Driver,
    key: NodeKey,
    clock: Clock,
    spaces: Callable[[], Awaitable[tuple[Netns, ...]]] = everywhere,
) -> None:
    """At once, and from then on: remove what bears our key, is not kept, and has expired."""

    def needed(tag: Tag) -> bool:
        return tag.expires > clock.now() or tag.connection in join.connections

    while True:
        try:
            for found in await sweep(kernel, await spaces(), key, needed):
                log.info("collected %s, expired in %r", found.link.name, found.netns)
        except (NsmError, OSError) as error:
            log.warning("could not look for what nobody needs: %s", error)
        await clock.sleep(EVERY)
