"""What a forwarder builds on: a kernel, what that can do, and what is known of it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from nsm.api.mechanism import KERNEL
from nsm.components.forwarder.config import Config
from nsm.dataplane.driver import Driver
from nsm.dataplane.kernel import Kernel
from nsm.dataplane.ledger import NodeKey
from nsm.dataplane.netns import Netns
from nsm.dataplane.probe import Probe
from nsm.dataplane.sweep import namespaces
from nsm.dataplane.underlay import Way, way_from
from nsm.program import Program


@dataclass(frozen=True, kw_only=True)
class Ground:
    """A kernel, the mechanisms it can make, the way out, the node's key, and its namespaces.

    `namespace` opens one by its URL; `spaces` finds all there are.
    """

    kernel: Driver
    mechanisms: frozenset[str]
    way: Way
    key: NodeKey
    namespace: Callable[[str], Netns] = Netns.open
    spaces: Callable[[], Awaitable[tuple[Netns, ...]]] = namespaces


async def ground(config: Config, program: Program) -> Ground:
    """The kernel of the namespace we are in; Unsupported where it cannot join two workloads."""
    able = await Probe().ask()
    able.require(KERNEL)
    kernel = Kernel(program.clock)
    program.at_last(kernel.close)
    program.holdings.sockets.by(lambda: [kernel.sockets])
    return Ground(
        kernel=kernel,
        mechanisms=able.mechanisms,
        way=await way_from(config.tunnel_ip, kernel),
        key=await asyncio.to_thread(NodeKey.kept_in, Path(config.state_dir) / "node.key"),
    )
