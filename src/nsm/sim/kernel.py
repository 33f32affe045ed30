"""A host's kernel as one program reaches it, and whether packets pass through all of them."""

import asyncio
from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_interface
from random import Random

from nsm.api.connection import Connection
from nsm.api.mechanism import NAME
from nsm.dataplane.encode import Address
from nsm.dataplane.facts import TABLE, Fact
from nsm.dataplane.fake import FakeKernel
from nsm.dataplane.fake_link import FakeLink
from nsm.dataplane.link import Link
from nsm.dataplane.netns import Netns
from nsm.dataplane.ops import Op
from nsm.dataplane.rtnl import RT_TABLE_MAIN
from nsm.errors import Unreachable
from nsm.sim.joints import TAKES, At, follow, joined_to
from nsm.sim.network import Network
from nsm.sim.process import Host, Process
from nsm.sim.trace import Trace

LONGEST = 16
"""Interfaces on the way of a packet."""


class KernelHandle:
    """A `Driver`: the kernel works on while its caller waits, and may be interrupted half way."""

    def __init__(
        self, process: Process, chance: Random, trace: Trace, changed: Callable[[], None]
    ) -> None:
        self.trace = trace
        self.changed = changed
        self.process = process
        self.kernel: FakeKernel = process.host.kernel
        self.chance = chance
        self.pending: dict[int, tuple[Op, ...]] = {}
        process.dying.append(self._interrupt)

    async def apply(self, *ops: Op) -> None:
        """Carry out `ops`, all or none; cancelled meanwhile, it takes them back."""
        if not ops:
            return
        self._check()
        number = self.kernel.asked = self.kernel.asked + 1
        self.pending[number] = ops
        try:
            await asyncio.sleep(TAKES)
        finally:
            self.pending.pop(number, None)
        made = self.kernel.carry_out(ops)
        follow(self.process.host)
        self.trace(f"{self.process}", f"{ops[0]} and {len(ops) - 1} more")
        self.changed()
        try:
            await asyncio.sleep(TAKES)
        except asyncio.CancelledError:
            if self.process.alive:
                self.kernel.take_back(made)
            raise

    async def look(self, netns: Netns, name: str) -> Link | None:
        """An interface as it is now."""
        self._check()
        return await self.kernel.look(netns, name)

    async def links(self, netns: Netns) -> tuple[Link, ...]:
        """Every interface of a namespace."""
        self._check()
        return await self.kernel.links(netns)

    async def tidy(self, netns: Netns) -> tuple[Fact, ...]:
        """Remove what interfaces that are gone have left; what somebody keeps is joined again."""
        self._check()
        host, gone = self.process.host, await self.kernel.tidy(netns)
        for (where, table), joined in list(host.joints.items()):
            ends = {(netns, joined.joint.a.name), (netns, joined.joint.b.name)}
            if where == netns and not joined.by.alive and not ends <= self.kernel.links_at.keys():
                del host.joints[where, table]
                gone += (Fact(netns.key.ino, TABLE, table),)
        return gone

    def _check(self) -> None:
        if not self.process.alive:
            raise Unreachable("this program is no more")

    def _interrupt(self) -> None:
        """Killed: of what was under way, some is done, and nothing is taken back."""
        for ops in self.pending.values():
            part = ops[: self.chance.randrange(len(ops) + 1)]
            fault, self.kernel.fault = self.kernel.fault, lambda _at, _op: None
            try:
                self.kernel.carry_out(part)
            except Exception:  # what it could not do is not done either
                pass
            finally:
                self.kernel.fault = fault


@lru_cache(4096)
def address(text: str) -> Address:
    """An address without its prefix; the same few are looked at again and again."""
    return ip_interface(text).ip


class Packets:
    """Whether a ping gets through, judged by what stands in the kernels and by nothing else.

    The same is asked at every look; while nothing has changed anywhere, so is it answered.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self.standing: object = None
        self.known: dict[tuple[object, ...], bool] = {}

    def carried(self, host: Host, netns: Netns, conn: Connection) -> bool:
        """Whether every pair of addresses of a connection reaches, from the client's namespace."""
        name, ip = conn.mechanism.get(NAME) if conn.mechanism else "", conn.ip

        def judge() -> bool:
            sources = [address(text) for text in ip.src_ip_addrs]
            targets = [address(text) for text in ip.dst_ip_addrs]
            near = host.kernel.links_at.get((netns, name))
            return near is not None and self._all_ping((host, near), sources, targets)

        return self._known((host.name, netns.key, name, ip.src_ip_addrs, ip.dst_ip_addrs), judge)

    def passed(self, host: Host, near: FakeLink) -> bool:
        """Whether all addresses of an interface reach all of whatever is at its other end."""

        def judge() -> bool:
            return self._all_ping((host, near), [one.ip for one in near.addresses])

        return self._known((host.name, near.end.netns.key, near.end.name), judge)

    def _known(self, asked: tuple[object, ...], judge: Callable[[], bool]) -> bool:
        """The verdict of before, unless a kernel, a joint or a way between hosts has changed."""
        hosts = self.network.hosts.values()
        standing = (
            [host.kernel.changes for host in hosts],
            [one for host in hosts if host.joints for one in host.joints.values()],
            [*self.network.cuts],
        )
        if standing != self.standing:
            self.standing, self.known = standing, {}
        if (known := self.known.get(asked)) is None:
            known = self.known[asked] = judge()
        return known

    def _all_ping(
        self, here: At, sources: list[Address], targets: list[Address] | None = None
    ) -> bool:
        """Whether each of `sources` reaches all of its family: `targets`, or whatever is there."""
        asked = False
        for source in sources:
            way = self._way(here, source)
            if len(way) < 2:
                return False
            to = [one.ip for one in way[-1][1].addresses] if targets is None else targets
            for target in to:
                if target.version == source.version:
                    asked = True
                    if not self._pings(way, source, target):
                        return False
        return asked

    def _pings(self, way: list[At], source: Address, target: Address) -> bool:
        (host, near), (_, next_to_near) = way[:2]
        (_, next_to_far), (far_host, far) = way[-2:]
        return self._leads(host, near, source, target, next_to_near) and self._leads(
            far_host, far, target, source, next_to_far
        )

    def _way(self, here: At, source: Address) -> list[At]:
        """Every interface that a packet from there passes, the first and the last included."""
        way = [here]
        while len(way) < LONGEST and (there := self._opposite(*way[-1])):
            way.append(there)
            if not (onward := joined_to(*there, source)):
                break
            way.append(onward)
        return way if len(way) % 2 == 0 else way[:1]

    def _leads(
        self, host: Host, link: FakeLink, own: Address, to: Address, there: FakeLink
    ) -> bool:
        """Whether from here `to` is looked for through this link, and believed to be at its end."""
        if not any(address.ip == own for address in link.addresses):
            return False
        netns, name = link.end.netns, link.end.name
        known = [
            (prefix.prefixlen, way)
            for (where, table, prefix), (way, _) in host.kernel.routes.items()
            if (where, table, prefix.version) == (netns, RT_TABLE_MAIN, to.version) and to in prefix
        ]
        known += [
            (a.network.prefixlen, name)
            for a in link.addresses
            if a.version == to.version and to in a.network
        ]
        if not known or max(known)[1] != name:
            return False
        mac = link.neighbors.get(to, (there.end.mac, False))[0]
        return mac == there.end.mac

    def _opposite(self, host: Host, link: FakeLink) -> At | None:
        """Where a packet comes out that goes into this interface."""
        if link.peer:
            far = host.kernel.links_at.get(link.peer)
            return (host, far) if far else None
        if link.tunnel is None:
            return None
        there = self.network.hosts.get(str(link.tunnel[1]))
        if there is None or not self.network.carries(host, there):
            return None
        for far in there.kernel.links_at.values():
            if far.tunnel and far.tunnel[:2] == link.tunnel[1::-1] and _same_vni(far, link):
                return there, far
        return None


def _same_vni(far: FakeLink, link: FakeLink) -> bool:
    return bool(far.vni and link.vni and far.vni[1:] == link.vni[1:])
