"""Endpoints of a mesh that pass on to the next."""

from collections.abc import Mapping
from dataclasses import replace

from nsm.api.labels import Labels
from nsm.api.mechanism import Mechanism
from nsm.api.registration import Destination, Endpoint, Match
from nsm.components.endpoint.config import PassthroughConfig
from nsm.components.endpoint.recipe import Parts, passthrough
from nsm.config import load
from nsm.dataplane.carrier import Carrier
from nsm.dataplane.forward import PASS_ALL, Joint
from nsm.dataplane.rules import Rules
from nsm.elements.kernel import CarryThrough
from nsm.elements.lifecycle import CloseAtEnd, CloseWhenIdle
from nsm.sdk import END, Call, Clock, Element, Handler, Link, Offer, Slot, chain

from .meshes import Mesh, Node


class Joints(Carrier):
    """What would be joined in the kernel, and what closes it when its program ends."""

    def __init__(self, clock: Clock) -> None:
        self.joined: list[Joint] = []
        self.ending = CloseAtEnd(clock)

    async def keep(self, joint: Joint, rules: Rules = PASS_ALL) -> None:
        self.joined.append(joint)

    async def drop(self, joint: Joint) -> None:
        self.joined.remove(joint)


def linear(steps: int) -> list[Match]:
    """A service whose endpoint `step=0` is everybody's, and each next one the one before's."""
    return [
        *(_match({"step": str(n - 1)}, {"step": str(n)}) for n in range(1, steps)),
        _match({}, {"step": "0"}),
    ]


def _match(source: Mapping[str, str], to: Mapping[str, str]) -> Match:
    return Match(source_selector=source, routes=(Destination(to),))


async def pass_on(
    mesh: Mesh, name: str, node: Node, *first: Link[Handler], labels: Mapping[str, str]
) -> Joints:
    """An endpoint of `vpn` that leads on to an endpoint of `vpn`, both times with these labels."""
    needs = mesh.needs(name)
    joints = Joints(mesh.clock)
    parts = Parts(
        asker=replace(needs, name=f"{name}-client"),
        idle=CloseWhenIdle(0, lambda: None, mesh.clock),
        ending=joints.ending,
        carry=CarryThrough(joints, mesh.at(name), Slot[Mechanism](), PASS_ALL),
        service=Element(),
        interface="",
        labels=labels,
        authorize=Element(),
    )
    settings = {"NSM_CONNECT_TO": node.socket, "NSM_NETNS": str(mesh.namespace_file(name))}
    served = chain(*first, passthrough(load(PassthroughConfig, settings), needs, parts))
    url = mesh.listen(name)
    mesh.plug(name, url, Offer(connections=served.bind(END), monitor=needs.events))
    said = Endpoint(name, ("vpn",), {"vpn": Labels(dict(labels))}, url)
    await mesh.registrations(name, node).register(Call(), said)
    return joints
