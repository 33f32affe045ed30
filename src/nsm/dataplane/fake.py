"""A kernel made of dictionaries, for tests and for the mesh in one process; it can fail by plan."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count

from nsm.dataplane.driver import NameTaken, VniTaken
from nsm.dataplane.encode import Address, Network
from nsm.dataplane.facts import Fact, facts
from nsm.dataplane.fake_link import FakeLink, Place
from nsm.dataplane.ledger import same_device, same_owner
from nsm.dataplane.link import Link
from nsm.dataplane.netns import Key, Netns
from nsm.dataplane.ops import (
    AddAddress,
    AddBridge,
    AddNeighbor,
    AddRoute,
    AddRule,
    AddVeth,
    AddVxlan,
    Creation,
    DelAddress,
    DelLink,
    DelNeighbor,
    DelRoute,
    DelRule,
    LinkEnd,
    Op,
    SetLink,
    TakeName,
    ends_of,
    mtu_of,
)
from nsm.errors import NotFound, NsmError
from nsm.nouns import replace

Routed = tuple[Netns, int, Network]
Fault = Callable[[int, Op], NsmError | None]
"""Asked before each op, with its number since the start: the failure it is to meet, if any."""

_inodes = count(1)


def netns() -> Netns:
    """A namespace that only a fake kernel knows."""
    return Netns(-1, Key(0, next(_inodes)))


def failing_at(number: int, error: NsmError | None = None) -> Fault:
    """A fault that strikes the op of that number (from 1), once."""

    def strike(at: int, _op: Op) -> NsmError | None:
        return (error or NsmError("the kernel was told to fail")) if at == number else None

    return strike


def healthy(_at: int, _op: Op) -> NsmError | None:
    """No fault."""
    return None


@dataclass(slots=True)
class FakeKernel:
    """Holds links, routes and rules; a veth's two ends die together, and routes with their link."""

    fault: Fault = healthy
    links_at: dict[Place, FakeLink] = field(default_factory=dict)
    routes: dict[Routed, tuple[str, Address | None]] = field(default_factory=dict)
    rules: set[AddRule] = field(default_factory=set)
    asked: int = 0
    made: int = 0
    changes: int = 0  # while this is the same, so is what stands

    async def apply(self, *ops: Op) -> None:
        """Carry out `ops`, all or none (see `Driver`)."""
        self.carry_out(ops)

    def carry_out(self, ops: Sequence[Op]) -> list[Op]:
        """The same at once; those that changed something, to be taken back."""
        made: list[Op] = []
        try:
            for op in ops:
                self.asked += 1
                if wrong := self.fault(self.asked, op):
                    raise wrong
                if self._do(op):
                    made.append(op)
        except NsmError:
            self.take_back(made)
            raise
        return made

    async def look(self, netns: Netns, name: str) -> Link | None:
        """An interface as it is now; None where there is none."""
        found = self.links_at.get((netns, name))
        return found.told() if found else None

    async def links(self, netns: Netns) -> tuple[Link, ...]:
        """Every interface of a namespace, without addresses."""
        here = [link for (where, _), link in self.links_at.items() if where == netns]
        return tuple(replace(link.told(), addresses=()) for link in here)

    async def tidy(self, netns: Netns) -> tuple[Fact, ...]:
        """Remove rules that lead nowhere (see `Driver`)."""
        led = {(where, table) for where, table, _ in self.routes}
        idle = {r for r in self.rules if r.netns == netns and (netns, r.table) not in led}
        self.rules = self.rules - idle
        self.changes += 1
        return tuple(sorted(facts(idle)))

    @property
    def empty(self) -> bool:
        """Whether nothing is left of all that was done."""
        return not (self.links_at or self.routes or self.rules)

    def take_back(self, made: Sequence[Op]) -> None:
        """Undo, last first."""
        for op in reversed(made):
            if inverse := op.undo():
                self._do(inverse)

    def _do(self, op: Op) -> bool:
        """Carry out one op; whether it changed anything that its undo would have to take back."""
        self.changes += 1
        match op:
            case AddVeth() | AddVxlan() | AddBridge():
                return self._create(op)
            case DelLink(end, peer):
                gone = self._remove(end)
                return (peer is not None and self._remove(peer)) or gone
            case TakeName():
                return self._take_name(op)
            case AddRule() | DelRule():
                return self._rule(op)
            case AddRoute() | DelRoute():
                return self._route(op)
            case _:
                return self._set(op, self._at(op.netns, op.name))

    def _create(self, op: Creation) -> bool:
        ends = ends_of(op)
        there = [self._named(op, end) for end in ends]
        if any(there) or self._held_by(op):
            there = [link or self._tagged(end) for link, end in zip(there, ends, strict=True)]
        fresh = not self._fits(ends, there)
        for link, end in zip(there, ends, strict=True):
            if link:
                self._remove(link.end) if fresh else self._rename(link, end)
        if fresh:
            self._put(op, ends)
        for end in ends:
            link = self.links_at[end.netns, end.name]
            link.alias, link.mtu = end.alias, mtu_of(op) or link.mtu
        return fresh

    def _named(self, op: Creation | TakeName, end: LinkEnd) -> FakeLink | None:
        there = self.links_at.get((end.netns, end.name))
        if there and not same_owner(there.alias, end.alias):
            raise NameTaken(f"cannot {op}: there is another interface {end.name}")
        return there

    def _tagged(self, end: LinkEnd) -> FakeLink | None:
        here = (link for (netns, _), link in self.links_at.items() if netns == end.netns)
        return next((k for k in here if end.alias and same_device(k.alias, end.alias)), None)

    def _fits(self, ends: Sequence[LinkEnd], there: Sequence[FakeLink | None]) -> bool:
        """All there, as wanted, and the ends of a pair each other's."""
        if not all(t and same_device(t.alias, e.alias) for t, e in zip(there, ends, strict=True)):
            return False
        a, b = there[0], there[-1]
        return len(ends) == 1 or bool(a and b and a.peer == (b.end.netns, b.end.name))

    def _rename(self, link: FakeLink, end: LinkEnd) -> None:
        before, after = (link.end.netns, link.end.name), (end.netns, end.name)
        self.links_at[after] = self.links_at.pop(before)
        link.end = end
        if link.peer:
            self.links_at[link.peer].peer = after
        for key, (name, gateway) in self.routes.items():
            if (key[0], name) == before:
                self.routes[key] = (end.name, gateway)

    def _take_name(self, op: TakeName) -> bool:
        wanted = replace(op.end, name=op.name)
        if there := self._named(op, wanted):
            self._remove(going := replace(there.end, name=op.leaving))
            self._rename(there, going)
        self._rename(self._at(op.end.netns, op.end.name), wanted)
        return True

    def _held_by(self, op: Creation) -> bool:
        """Whether there is a tunnel with that VNI."""
        vni = (op.node, op.port, op.vni) if isinstance(op, AddVxlan) else None
        return vni is not None and any(link.vni == vni for link in self.links_at.values())

    def _put(self, op: Creation, ends: Sequence[LinkEnd]) -> None:
        if self._held_by(op):
            raise VniTaken(f"cannot {op}: this node uses that VNI already")
        for end, other in zip(ends, reversed(ends), strict=True):
            self.made += 1
            made = FakeLink(end, type(op).__name__.removeprefix("Add").lower(), self.made)
            if isinstance(op, AddVxlan):
                made.vni, made.tunnel = (op.node, op.port, op.vni), (op.local, op.remote)
            made.peer = (other.netns, other.name) if isinstance(op, AddVeth) else None
            self.links_at[end.netns, end.name] = made

    def _remove(self, end: LinkEnd) -> bool:
        found = self.links_at.get((end.netns, end.name))
        if not found or not same_device(found.alias, end.alias):
            return False
        gone = [p for p in ((end.netns, end.name), found.peer) if p]
        for place in gone:
            self.links_at.pop(place, None)
        self.routes = {k: v for k, v in self.routes.items() if (k[0], v[0]) not in gone}
        return True

    def _rule(self, op: AddRule | DelRule) -> bool:
        before = len(self.rules)
        self.rules = self.rules | {op} if isinstance(op, AddRule) else self.rules - {op.rule}
        return len(self.rules) != before

    def _route(self, op: AddRoute | DelRoute) -> bool:
        key = (op.netns, op.table, op.prefix)
        if isinstance(op, DelRoute):
            return self.routes.pop(key, None) is not None
        self._at(op.netns, op.name)
        fresh = key not in self.routes
        self.routes[key] = (op.name, op.gateway)
        return fresh

    def _set(
        self, op: AddAddress | DelAddress | AddNeighbor | DelNeighbor | SetLink, link: FakeLink
    ) -> bool:
        match op:
            case AddAddress(address=address):
                fresh = address not in link.addresses
                link.addresses[address] = None
            case DelAddress(address=address):
                fresh = address in link.addresses
                link.addresses.pop(address, None)
                self._forget_ipv4(link)
            case AddNeighbor(ip=ip, mac=mac, permanent=permanent):
                fresh = ip not in link.neighbors
                link.neighbors[ip] = (mac, permanent)
            case DelNeighbor(ip=ip):
                fresh = link.neighbors.pop(ip, None) is not None
            case SetLink(mtu=mtu, alias=alias, mac=mac, up=up):
                if up is False:
                    self._take_down(link)
                link.mtu, link.alias, fresh = mtu or link.mtu, alias or link.alias, True
                link.end = replace(link.end, mac=mac or link.end.mac)
        return fresh

    def _take_down(self, link: FakeLink) -> None:
        """As in the kernel, that takes all from a link but addresses of IPv4."""
        where = (link.end.netns, link.end.name)
        self.routes = {k: v for k, v in self.routes.items() if (k[0], v[0]) != where}
        link.neighbors = {}
        link.addresses = {one: None for one in link.addresses if one.version == 4}

    def _forget_ipv4(self, link: FakeLink) -> None:
        """As in the kernel, a link without an IPv4 address has no IPv4 routes and neighbours."""
        if any(address.version == 4 for address in link.addresses):
            return
        where = (link.end.netns, link.end.name)
        self.routes = {
            key: value
            for key, value in self.routes.items()
            if (key[0], value[0]) != where or key[2].version == 6
        }
        link.neighbors = {ip: known for ip, known in link.neighbors.items() if ip.version == 6}

    def _at(self, netns: Netns, name: str) -> FakeLink:
        if found := self.links_at.get((netns, name)):
            return found
        raise NotFound(f"there is no interface {name}", fix="it has gone; ask again")
