"""`nsm node [--registry] [--identity]`, and `python -m nsm.node`."""

import asyncio
import logging
import sys
from collections.abc import Mapping, Sequence

from nsm import program
from nsm.components.identity import program as authority
from nsm.components.identity.config import Config as IdentityConfig
from nsm.components.registry import program as registering
from nsm.components.registry.config import Config as RegistryConfig
from nsm.config import load
from nsm.errors import NsmError
from nsm.node.config import Config
from nsm.node.program import work
from nsm.nouns import replace
from nsm.program import Program, Settings
from nsm.sdk import Offer, Tasks

log = logging.getLogger(__name__)

HOLDS: Mapping[str, tuple[str, type[Settings]]] = {
    "--registry": ("REGISTRY", RegistryConfig),
    "--identity": ("IDENTITY", IdentityConfig),
}
"""What a node may hold: the section of its settings, and their kind."""
OPTIONS = """
  --registry   hold the registry, too: its settings are NSM_REGISTRY_X for its own NSM_X
  --identity   hold the identity authority, too: NSM_IDENTITY_X for its own NSM_X
"""


def main(argv: Sequence[str]) -> int:
    """Run the node, and what else it is to hold, until told to stop."""
    wrong = [word for word in argv if word not in (*HOLDS, "--help", "-h")]
    if wrong or "--help" in argv or "-h" in argv:
        out = sys.stderr if wrong else sys.stdout
        out.write("usage: nsm node [--registry] [--identity]\n" + OPTIONS + "\n")
    if wrong:
        return 2

    async def live(config: Config, environ: Mapping[str, str]) -> int:
        return await hold(config, environ, argv)

    return program.start(Config, argv, live, dict(HOLDS[word] for word in HOLDS if word in argv))


async def hold(config: Config, environ: Mapping[str, str], argv: Sequence[str]) -> int:
    """The authority, if it is ours to hold, outlives the node: the node is who asks it."""

    async def node(config: Config, running: Program) -> None:
        offer = await held_registry(running, environ) if "--registry" in argv else None
        await work(config, running, offer)

    if "--identity" not in argv:
        return await program.live(config, node, environ)
    identity = load(IdentityConfig, environ, "IDENTITY")
    if "SPIFFE_ENDPOINT_SOCKET" not in environ:
        config = replace(config, spiffe_endpoint_socket=identity.listen_on)
    stop, ready, tasks = asyncio.Event(), asyncio.Event(), Tasks()
    running = tasks.start("identity authority", held_authority(identity, stop, ready))
    await ready.wait()
    try:
        return 1 if running.done() else await program.live(config, node, environ)
    finally:
        stop.set()
        await asyncio.wait([running])


async def held_authority(config: IdentityConfig, stop: asyncio.Event, ready: asyncio.Event) -> None:
    """Serve identities until `stop`; where that cannot be, say why and be done."""
    try:
        await authority.run(config, stop, ready.set)
    except NsmError as error:
        log.error("%s", error)
    finally:
        ready.set()


async def held_registry(running: Program, environ: Mapping[str, str]) -> Offer:
    """A registry in this process, served to other nodes at its own addresses."""
    config = load(RegistryConfig, environ, "REGISTRY")
    offer = await registering.offer(config, running)
    if "NSM_REGISTRY_LISTEN_ON" in environ:
        await running.serve(offer, config.listen_on)
    return offer


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
