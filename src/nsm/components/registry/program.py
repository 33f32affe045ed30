"""The registry at work: served until told to stop."""

from pathlib import Path

from nsm.components.registry.config import Config
from nsm.components.registry.recipe import lasting_registry, registry
from nsm.nouns import replace
from nsm.program import Program
from nsm.sdk import Offer
from nsm.store import Shelves, Store


async def work(config: Config, program: Program) -> None:
    """Serve the registry."""
    await program.serve(await offer(config, program), config.listen_on)
    program.ready()


async def offer(config: Config, program: Program) -> Offer:
    """The registry put together: in memory, or in the file it is to be kept in."""
    if not config.store:
        return kept(config, program)
    store = await Store.open(Path(config.store), program.clock)
    program.at_last(store.close)
    return kept(config, program, store)


def kept(config: Config, program: Program, store: Shelves | None = None) -> Offer:
    """The registry put together, on what is to outlive it where there is such a thing."""
    forwarders = config.forwarder_network_service_name
    needs = program.registry_needs(
        config.dial_timeout,
        config.registry_server_policies,
        config.registry_client_policies,
        replace(program.admission(config), forwarders=forwarders),
    )
    return lasting_registry(config, needs, store) if store else registry(config, needs)
