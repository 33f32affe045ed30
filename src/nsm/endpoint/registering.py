"""How an endpoint becomes known: its services, then itself, through the manager of its node."""

import asyncio
import logging

from nsm.api.labels import Labels
from nsm.api.registration import Endpoint, NetworkService
from nsm.chains.registry import endpoint_client, service_client
from nsm.elements.registry import DescribeEndpoint, SendEndpointFile
from nsm.endpoint.config import Config
from nsm.program import Program, place
from nsm.sdk import Call

log = logging.getLogger(__name__)

GOODBYE = 2.0
"""Seconds unregistering may take at the end: what is not is forgotten when it expires."""


async def register(config: Config, program: Program, url: str) -> Endpoint:
    """Register what `config` names at `url`, and keep it registered."""
    needs = program.registry_needs(config.dial_timeout, client=config.registry_client_policies)
    if config.register_service:
        services = service_client(needs, config.connect_to)
        for name in config.service_names:
            await services.register(Call(), NetworkService(name, config.payload))
    endpoints = endpoint_client(
        needs, config.connect_to, DescribeEndpoint(place(program.environ)), SendEndpointFile()
    )
    answer = await endpoints.register(Call(), record(config, url))
    program.holdings.registered.by(lambda: [answer.name])
    log.info("%s serves %s", answer.name, ", ".join(answer.network_service_names))

    async def unregister() -> None:
        async with asyncio.timeout(GOODBYE):
            await endpoints.unregister(Call(), answer)

    if config.unregister_itself:
        program.at_exit(unregister)
    return answer


def record(config: Config, url: str) -> Endpoint:
    """What the registry is told."""
    labels = {name: Labels(dict(config.labels)) for name in config.service_names}
    return Endpoint(config.name, config.service_names, labels, url)
