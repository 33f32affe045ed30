"""The manager at work: what it serves, and what it stands on."""

import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from nsm import documents
from nsm.api.cidr import prefix
from nsm.chains.needs import Needs
from nsm.chains.registry import manager_registries
from nsm.components.manager.config import Config
from nsm.components.manager.recipe import Parts, manager
from nsm.errors import Invalid
from nsm.nouns import replace
from nsm.program import Program, place
from nsm.sdk import END, Offer
from nsm.sdk.live_file import LiveFile

MOST_PREFIXES = 4096
"""Excluded prefixes a file may name."""


@dataclass(frozen=True, kw_only=True)
class Managing:
    """A manager put together: what it offers, and what it stands on."""

    offer: Offer
    needs: Needs
    url: str


async def work(config: Config, program: Program) -> None:
    """Serve the node."""
    managing = manage(config, program)
    await program.serve(managing.offer, config.listen_on)
    program.ready()


def manage(config: Config, program: Program) -> Managing:
    """Put a manager together; nothing runs yet."""
    forwarders = config.forwarder_network_service_name
    admission = replace(program.admission(config), forwarders=forwarders)
    needs = program.needs(config.dial_timeout, admission, config.monitor_admins)
    url = public_url(config.listen_on)
    registry = program.registry_needs(
        config.dial_timeout,
        config.registry_server_policies,
        config.registry_client_policies,
        admission,
    )
    here = place(program.environ)
    outage = config.registry_outage.total_seconds()
    registries = manager_registries(registry, url, config.registry_url, here, outage)
    prefixes = LiveFile[tuple[str, ...]](config.excluded_prefixes, read_prefixes, (), program.clock)
    parts = Parts(
        registries=registries,
        url=url,
        place=here,
        excluded=prefixes,
        authorize=program.next_hop(),
    )
    offer = Offer(
        connections=manager(config, needs, parts).bind(END),
        monitor=needs.events,
        network_services=registries.services,
        endpoints=registries.endpoints,
    )
    return Managing(offer=offer, needs=needs, url=url)


def read_prefixes(text: bytes) -> tuple[str, ...]:
    """The file of excluded prefixes: a list under the key `prefixes` (W §14)."""
    said = documents.read(text) or {}
    prefixes = said.get("prefixes") if isinstance(said, dict) else None
    if not isinstance(prefixes, list) or len(prefixes) > MOST_PREFIXES:
        raise Invalid("no list of prefixes", fix="write prefixes: [10.0.0.0/8]")
    return tuple(str(prefix(str(each))) for each in prefixes)


def public_url(listen_on: Sequence[str]) -> str:
    """Where others reach us: the first TCP address, else the first; a host left out is ours."""
    if not listen_on:
        raise Invalid("nowhere to listen", fix="set NSM_LISTEN_ON")
    first = next((url for url in listen_on if url.startswith("tcp://")), listen_on[0])
    scheme, _, rest = first.partition("://")
    host, _, port = rest.rpartition(":")
    if scheme != "tcp" or host not in ("", "0.0.0.0", "[::]"):
        return first
    own = own_address()
    return f"tcp://[{own}]:{port}" if ":" in own else f"tcp://{own}:{port}"


def own_address() -> str:
    """This host's address as others see it: the source the kernel would use towards anywhere."""
    for family, far in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((far, 9))  # a datagram socket: nothing is sent
            except OSError:
                continue
            found = ipaddress.ip_address(probe.getsockname()[0])
            if not found.is_loopback:
                return str(found)
    raise Invalid("this host has no address others could reach", fix="say one in NSM_LISTEN_ON")
