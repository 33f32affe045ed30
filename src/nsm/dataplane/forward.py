"""Carry packets between the two vWires of a passthrough endpoint, in the kernel.

Such an endpoint holds both ends' addresses as its own, so ordinary forwarding would swallow what
it should pass on. Stateless nft rules at the ingress of both interfaces carry instead, ahead of
the IP stack. A frame addressed to somebody beyond is passed on as it is, ARP and neighbour
discovery too, for IP and ETHERNET payload alike. A frame addressed to our own MAC comes from a
neighbour that was told it for good (payload IP): it is sent to the opposite address of the other
vWire, whose MAC the kernel knows or finds out. No setting of the kernel is touched.

Where the way on is moved to another endpoint, the client has the former's addresses until it hears
of that: what bears them goes the former way, for as long as that interface is there.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nsm.dataplane import nft
from nsm.dataplane.driver import Driver
from nsm.dataplane.encode import Address
from nsm.dataplane.kernel import Kernel
from nsm.dataplane.link import Link
from nsm.dataplane.netns import Netns
from nsm.dataplane.plan.beside import leaving
from nsm.dataplane.rules import Rules
from nsm.errors import Invalid, NotFound

PASS_ALL = Rules()
ALL = "ff:ff:ff:ff:ff:ff"
FLOWS = 65536
"""Flows whose replies are remembered; beyond that, replies need a rule of their own."""


@dataclass(frozen=True, slots=True)
class Port:
    """An interface, and the addresses of whoever is at the other end of its vWire."""

    name: str
    opposite: tuple[Address, ...] = ()

    def hop(self, version: int) -> Address | None:
        """Where packets of a family go to."""
        return next((ip for ip in self.opposite if ip.version == version), None)


@dataclass(frozen=True, slots=True)
class Joint:
    """Two interfaces of one namespace, `a` towards the client and `b` towards the endpoint."""

    netns: Netns
    a: Port
    b: Port

    @property
    def table(self) -> str:
        """The name of its nft table."""
        digest = hashlib.sha256(f"{self.a.name}/{self.b.name}".encode()).hexdigest()
        return f"nsm_{digest[:16]}"


@dataclass(frozen=True, slots=True)
class Former:
    """How a joint was before its way on was moved; `b` is what that is called now."""

    joint: Joint
    b: Link

    @property
    def far(self) -> Port:
        """What is left of the way on."""
        return Port(self.b.name, self.joint.b.opposite)

    def bears(self, joint: Joint) -> Iterator[str]:
        """What is true, in nft's words, of packets for it and of no packet for `joint`."""
        sides = (
            ("saddr", self.joint.a.opposite, joint.a.opposite),
            ("daddr", self.joint.b.opposite, joint.b.opposite),
        )
        for field, before, now in sides:
            for version, family in ((4, "ip"), (6, "ip6")):
                left = sorted({ip for ip in before if ip.version == version} - {*now})
                if left:
                    yield f"{family} {field} {{ {', '.join(map(str, left))} }}"


async def join(
    kernel: Kernel, joint: Joint, rules: Rules = PASS_ALL, former: Former | None = None
) -> tuple[int, int]:
    """Let packets through, replacing what was said before; the indices of the two interfaces.

    NotFound while one of them is not there, Invalid if nft refuses the rules.
    """
    a, b = await find(kernel, joint)

    def run() -> None:
        try:
            nft.run(script(joint, a.mac, b.mac, rules, former, ahead=True))
        except Invalid:  # or an older kernel, where a hook stays with what is renamed
            nft.run(script(joint, a.mac, b.mac, rules, former))

    await kernel.inside(joint.netns, run)
    return a.index, b.index


async def part(kernel: Kernel, joint: Joint) -> None:
    """Let nothing through any more; twice is no error."""
    await kernel.inside(joint.netns, lambda: nft.run(_cleared(joint)))


async def find(driver: Driver, joint: Joint) -> tuple[Link, Link]:
    """Both interfaces; NotFound while one is not there."""
    a = await driver.look(joint.netns, joint.a.name)
    b = await driver.look(joint.netns, joint.b.name)
    if a is None or b is None:
        missing = joint.a.name if a is None else joint.b.name
        raise NotFound(f"there is no interface {missing} to pass packets through")
    return a, b


def script(
    joint: Joint,
    mac_a: str,
    mac_b: str,
    rules: Rules = PASS_ALL,
    former: Former | None = None,
    *,
    ahead: bool = False,
) -> str:
    """The ruleset that joins, whole: what stood there before goes in the same transaction.

    `ahead` hooks the way on by the name as well that it has once another takes its place: from
    Linux 6.16 on a hook goes by names, and what is not there yet may be named.
    """
    a, b = joint.a, joint.b
    ways = [(a, mac_a, b), (b, mac_b, a)]
    if former:
        ways.append((former.far, former.b.mac, former.joint.a))
    lines = [*_memory()] if rules.any else []
    for number, (here, mac, there) in enumerate(ways):
        names = (here.name, leaving(b.name)) if ahead and here is b and not former else (here.name,)
        lines += _filter(number, names, rules) if rules.any else ()
        lines += (_hook("carry", number, names, 10), *(_learn() if rules.any else ()))
        if former and here is a:
            lines += _carry_on(joint, mac, former)
        lines += (*_carry(mac, there), "}")
    body = "\n".join(lines)
    return f"{_cleared(joint)}table netdev {joint.table} {{\n{body}\n}}\n"


def _cleared(joint: Joint) -> str:
    return f"table netdev {joint.table} {{ }}\ndelete table netdev {joint.table}\n"


def _hook(kind: str, number: int, names: Sequence[str], priority: int) -> str:
    for name in names:
        if any(c in name for c in '"\\*'):
            raise Invalid(f"an interface called {name!r} cannot be named to nft")
    quoted = ", ".join(f'"{name}"' for name in names)
    devices = f"devices = {{ {quoted} }}" if len(names) > 1 else f"device {quoted}"
    return (
        f"chain {kind}{number} {{ type filter hook ingress {devices}"
        f" priority {priority}; policy accept;"
    )


def _carry(mac: str, there: Port) -> Iterator[str]:
    """What comes in by an interface of that MAC goes out there."""
    to = f'"{there.name}"'
    # An answer for whoever is beyond bears our MAC, if its sender was told that for good: it may
    # be ours or theirs, so both get it, and so at each passthrough that comes after.
    yield (
        f"ether daddr {{ {mac}, {ALL} }} icmpv6 type nd-neighbor-advert"
        f" ether daddr set {ALL} dup to {to} accept"
    )
    yield f"ether daddr {mac} icmpv6 type nd-neighbor-solicit accept"
    yield f"ether daddr {mac} ether type arp accept"
    yield f"ether daddr {mac} ip6 daddr fe80::/10 accept"
    for version, family in ((4, "ip"), (6, "ip6")):
        if hop := there.hop(version):
            yield f"ether daddr {mac} meta protocol {family} fwd {family} to {hop} device {to}"
    yield f"fwd to {to}"


def _carry_on(joint: Joint, mac: str, former: Former) -> Iterator[str]:
    """What comes from the client and bears addresses of before goes where it went before."""
    to = f'"{former.far.name}"'
    for bearing in former.bears(joint):
        version, family = (6, "ip6") if bearing.startswith("ip6 ") else (4, "ip")
        if hop := former.far.hop(version):
            yield f"ether daddr {mac} {bearing} fwd {family} to {hop} device {to}"
        yield f"{bearing} fwd to {to}"


def _filter(number: int, names: Sequence[str], rules: Rules) -> Iterator[str]:
    """What may come in: an accepted packet goes on to the chain that carries."""
    yield _hook("filter", number, names, 0)
    yield "ether type arp accept"
    yield (
        "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, destination-unreachable,"
        " packet-too-big, time-exceeded, parameter-problem } accept"
    )
    yield "icmp type { destination-unreachable, time-exceeded, parameter-problem } accept"
    yield "ip saddr . ip daddr . meta l4proto . th sport . th dport @flows4 accept"
    yield "ip6 saddr . ip6 daddr . meta l4proto . th sport . th dport @flows6 accept"
    yield "icmp type echo-reply ip saddr . ip daddr @pings4 accept"
    yield "icmpv6 type echo-reply ip6 saddr . ip6 daddr @pings6 accept"
    yield from rules.expressions
    yield rules.otherwise
    yield "}"


def _memory() -> Iterator[str]:
    """Sets that remember whose replies are to pass: ends swapped, for five minutes each time."""
    kept = f"size {FLOWS}; flags dynamic, timeout; timeout 5m;"
    for version, kind in ((4, "ipv4_addr"), (6, "ipv6_addr")):
        ends = f"{kind} . {kind}"
        yield f"set pings{version} {{ type {ends}; {kept} }}"
        yield (
            f"set flows{version} {{ type {ends} . inet_proto . inet_service . inet_service;"
            f" {kept} }}"
        )


def _learn() -> Iterator[str]:
    for version, ip in ((4, "ip"), (6, "ip6")):
        ends = f"{ip} daddr . {ip} saddr"
        yield (
            f"meta l4proto {{ tcp, udp, sctp }} update @flows{version}"
            f" {{ {ends} . meta l4proto . th dport . th sport }}"
        )
        icmp = "icmp" if version == 4 else "icmpv6"
        yield f"{icmp} type echo-request update @pings{version} {{ {ends} }}"
