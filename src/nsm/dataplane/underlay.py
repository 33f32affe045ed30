"""The way a node's tunnels take: from which address, through which interface, how wide."""

from dataclasses import dataclass

from nsm.api.cidr import host
from nsm.dataplane.driver import Driver
from nsm.dataplane.netns import Netns
from nsm.dataplane.plan import Underlay, tunnel_mtu
from nsm.errors import NotFound


@dataclass(frozen=True, slots=True)
class Way:
    """Where tunnels start (`address`), what they run over, and the MTU that is left inside one."""

    address: str
    underlay: Underlay
    mtu: int


async def way_from(tunnel_ip: str, kernel: Driver) -> Way:
    """The way of tunnels that start at `tunnel_ip` (an address, or a CIDR) in our own namespace.

    NotFound where no interface has that address: a tunnel could be built and would carry nothing.
    """
    wanted, here = host(tunnel_ip), Netns.current()
    names = [link.name for link in await kernel.links(here)]
    for name in names:
        link = await kernel.look(here, name)
        if link and any(address.ip == wanted for address in link.addresses):
            return Way(str(wanted), Underlay(here, link.mtu), tunnel_mtu(link.mtu, wanted))
    raise NotFound(
        f"no interface here has the address {wanted}",
        fix="set NSM_TUNNEL_IP to an address of this node",
    )
