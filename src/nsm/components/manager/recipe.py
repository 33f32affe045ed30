"""What the manager does with a request, top to bottom (W §3.3)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from nsm.chains.client import client
from nsm.chains.endpoint import endpoint
from nsm.chains.needs import Needs
from nsm.chains.registry import ManagerRegistries
from nsm.components.manager.config import Config
from nsm.elements.context import ExcludePrefixes
from nsm.elements.discovery import DescribeClient, DiscoverForwarder, WatchServices
from nsm.elements.mechanism import (
    ReceiveFiles,
    ReceiveFilesClient,
    SendFiles,
    SendFilesClient,
)
from nsm.elements.reach import Connect
from nsm.sdk import END, Chain, Handler, Link


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What a manager's chain is made with: what it knows, and what it asks of next hops."""

    registries: ManagerRegistries
    url: str
    place: Mapping[str, str]
    excluded: Callable[[], Iterable[str]]
    authorize: Link[Handler]


def manager(config: Config, needs: Needs, parts: Parts) -> Chain[Handler]:
    """Find a forwarder for the client, and let it do the rest."""
    services, endpoints = parts.registries.services, parts.registries.local
    return endpoint(
        needs,
        DescribeClient(parts.place),
        needs.admit,
        DiscoverForwarder(
            services,
            endpoints,
            needs.clock,
            service=config.forwarder_network_service_name,
            url=parts.url,
        ),
        WatchServices(services, endpoints, needs.clock, needs.tasks),
        ExcludePrefixes(parts.excluded),
        SendFiles(),
        ReceiveFiles(needs.clock, from_owners=True),
        Connect(
            client(
                needs,
                ReceiveFilesClient(needs.clock),
                SendFilesClient(),
                authorize=parts.authorize,
            ).bind(END)
        ),
    )
