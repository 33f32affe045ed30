"""The registry at work: served until told to stop."""

from nsm.components.registry.config import Config
from nsm.components.registry.recipe import registry
from nsm.program import Program


async def work(config: Config, program: Program) -> None:
    """Serve the registry."""
    needs = program.registry_needs(
        config.dial_timeout, config.registry_server_policies, config.registry_client_policies
    )
    await program.serve(registry(config, needs), config.listen_on)
    program.ready()
