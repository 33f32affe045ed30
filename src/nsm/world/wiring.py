"""How the namespaces of a world are joined, as operations on a kernel. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Interface, IPv6Network

from nsm.dataplane.netns import Netns
from nsm.dataplane.ops import AddAddress, AddBridge, AddRoute, AddVeth, LinkEnd, Op, SetLink
from nsm.world.ground import pod_prefixes
from nsm.world.plan import UNDERLAY, Namespace

MTU = 1500
ALIAS = "of the world: joins namespaces, belongs to no connection"
BRIDGE = "bridge"
UPLINK, DEFAULT = "underlay", "eth0"
GATEWAY6 = IPv6Interface("fe80::1/64")
"""What pods call their node on their own link: IPv6 neighbours answer for one link's addresses."""
EVERYWHERE4, EVERYWHERE6 = IPv4Network("0.0.0.0/0"), IPv6Network("::/0")
Open = Mapping[str, Netns]
"""Namespaces of the world by name."""


def wiring(spaces: Sequence[Namespace], made: Open, only: frozenset[str]) -> tuple[Op, ...]:
    """What joins the namespaces in `only` to all the others; those may be joined already.

    `spaces` are all that are planned, also where they are not `made` just now: an interface is
    named by its namespace's place among them.
    """
    return tuple(_wiring(spaces, made, only))


def _wiring(spaces: Sequence[Namespace], made: Open, only: frozenset[str]) -> Iterator[Op]:
    nodes = {space.name: space for space in spaces if space.is_node and space.name in made}
    for place, space in enumerate(spaces):
        if space.name not in made or (space.node and space.node not in made):
            continue
        if space.name == UNDERLAY and UNDERLAY in only:
            yield AddBridge(LinkEnd(made[UNDERLAY], BRIDGE, alias=ALIAS))
        elif space.node and only & {space.name, space.node}:
            yield from _pod(space, nodes[space.node], made, place)
        elif space.address and not space.node and only & {space.name, UNDERLAY}:
            yield from _plug(space, made, place)
    yield from _between(nodes, made, only)


def _plug(space: Namespace, made: Open, place: int) -> Iterator[Op]:
    """Put a namespace on the bridge."""
    assert space.address is not None
    own, there = made[space.name], made[UNDERLAY]
    port = f"port{place}"
    yield AddVeth(LinkEnd(own, UPLINK, alias=ALIAS), LinkEnd(there, port, alias=ALIAS), MTU)
    yield SetLink(there, port, master=BRIDGE)
    for address in space.address:
        yield AddAddress(own, UPLINK, address)


def _pod(space: Namespace, node: Namespace, made: Open, place: int) -> Iterator[Op]:
    """Give a pod its default interface, and its node the way to it."""
    assert space.address is not None
    assert node.address is not None
    own, there = made[space.name], made[node.name]
    port = f"pod{place}"
    yield AddVeth(LinkEnd(own, DEFAULT, alias=ALIAS), LinkEnd(there, port, alias=ALIAS), MTU)
    yield AddAddress(there, port, GATEWAY6)
    for address in space.address:
        yield AddAddress(own, DEFAULT, address)
        yield AddRoute(there, port, address.network)
    yield AddRoute(own, DEFAULT, EVERYWHERE4, node.address.v4.ip)
    yield AddRoute(own, DEFAULT, EVERYWHERE6, GATEWAY6.ip)


def _between(nodes: Mapping[str, Namespace], made: Open, only: frozenset[str]) -> Iterator[Op]:
    """Lead each node to the pods of the others."""
    for name, node in nodes.items():
        for other in nodes.values():
            if other is not node and only & {name, other.name, UNDERLAY}:
                assert other.address is not None
                v4, v6 = pod_prefixes(other.number)
                yield AddRoute(made[name], UPLINK, v4, other.address.v4.ip)
                yield AddRoute(made[name], UPLINK, v6, other.address.v6.ip)
