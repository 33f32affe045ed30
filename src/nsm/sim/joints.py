"""What passthroughs join of their vWires, as nft tables do in a real kernel."""

import asyncio
from collections.abc import Callable

from nsm.dataplane.encode import Address
from nsm.dataplane.fake_link import FakeLink
from nsm.dataplane.forward import PASS_ALL, Joint
from nsm.dataplane.plan.beside import leaving
from nsm.dataplane.rules import Rules
from nsm.nouns import replace
from nsm.sim.process import Host, Joined, Process

TAKES = 0.001
"""Seconds before and after each change."""
At = tuple[Host, FakeLink]
"""An interface, and the host it is on."""


class SimCarrier:
    """What joins a passthrough's interfaces; what it has joined outlives it, as nft tables do."""

    def __init__(self, process: Process, changed: Callable[[], None]) -> None:
        self.process = process
        self.changed = changed

    async def keep(self, joint: Joint, _rules: Rules = PASS_ALL) -> None:
        """Join these two from now on."""
        await asyncio.sleep(TAKES)
        if self.process.alive:
            host, at = self.process.host, (joint.netns, joint.table)
            stood, former = host.joints.get(at), None
            if stood and stood.by is self.process and _left(host, stood):
                former = replace(stood, former=None)
            host.joints[at] = Joined(joint, self.process, former=former)
            follow(host)
            self.changed()

    async def drop(self, joint: Joint) -> None:
        """And no more."""
        await asyncio.sleep(TAKES)
        if self.process.alive:
            self.process.host.joints.pop((joint.netns, joint.table), None)


def follow(host: Host) -> None:
    """Passthroughs that live join what has come where nothing is left of what they had joined."""
    for at, joined in host.joints.items():
        if joined.by.alive and _way_on(host, joined) is None:
            b = host.kernel.links_at.get((joined.joint.netns, joined.joint.b.name))
            if b:
                host.joints[at] = replace(joined, b=b.index)


def joined_to(host: Host, link: FakeLink, source: Address) -> At | None:
    """The interface that a passthrough has joined to this one, for packets from there."""
    for (netns, _), joined in host.joints.items():
        if netns != link.end.netns:
            continue
        for one in _borne_by(joined, source):
            a, b = host.kernel.links_at.get((netns, one.joint.a.name)), _way_on(host, one)
            if a and b and link in (a, b):
                return host, b if link is a else a
    return None


def _borne_by(joined: Joined, source: Address) -> tuple[Joined, ...]:
    """In which order a joint and what it was before carry what comes from there."""
    former = joined.former
    if former is None:
        return (joined,)
    moved = source in former.joint.a.opposite and source not in joined.joint.a.opposite
    return (former, joined) if moved else (joined, former)


def _way_on(host: Host, joined: Joined) -> FakeLink | None:
    """The interface that is the way on, where it was or on its way out."""
    there = host.kernel.links_at.get((joined.joint.netns, joined.joint.b.name))
    return there if there and there.index == joined.b else _left(host, joined)


def _left(host: Host, joined: Joined) -> FakeLink | None:
    """The way on, if another has taken its place."""
    left = host.kernel.links_at.get((joined.joint.netns, leaving(joined.joint.b.name)))
    return left if left and left.index == joined.b else None
