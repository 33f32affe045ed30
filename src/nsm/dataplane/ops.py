"""What can be done to a kernel, as values; each knows what takes it back."""

from dataclasses import dataclass

from nsm.dataplane.encode import Address, Interface, Network
from nsm.dataplane.netns import Netns
from nsm.dataplane.rtnl import RT_TABLE_MAIN
from nsm.nouns import replace


@dataclass(frozen=True, slots=True)
class LinkEnd:
    """An interface to be: where it appears, its name (15 bytes at most), MAC, and ledger alias."""

    netns: Netns
    name: str
    mac: str = ""
    alias: str = ""


@dataclass(frozen=True, slots=True)
class AddVeth:
    """Create two joined interfaces, each in place and up."""

    a: LinkEnd
    b: LinkEnd
    mtu: int = 0

    def __str__(self) -> str:
        return f"create interfaces {self.a.name} and {self.b.name}"

    def undo(self) -> "DelLink":
        return DelLink(self.a, self.b)


@dataclass(frozen=True, slots=True)
class AddVxlan:
    """Create a tunnel's interface in a workload, its UDP socket in the node's namespace."""

    node: Netns
    end: LinkEnd
    vni: int
    local: Address
    remote: Address
    port: int = 4789
    mtu: int = 0

    def __str__(self) -> str:
        return f"create interface {self.end.name} (vxlan {self.vni} to {self.remote})"

    def undo(self) -> "DelLink":
        return DelLink(self.end)


@dataclass(frozen=True, slots=True)
class AddBridge:
    """Create a bridge, up."""

    end: LinkEnd

    def __str__(self) -> str:
        return f"create bridge {self.end.name}"

    def undo(self) -> "DelLink":
        return DelLink(self.end)


@dataclass(frozen=True, slots=True)
class DelLink:
    """Remove an interface and, with `peer`, free its other end's name at once.

    One that carries another alias than ours is somebody else's and stays.
    """

    end: LinkEnd
    peer: LinkEnd | None = None

    def __str__(self) -> str:
        return f"remove interface {self.end.name}"

    def undo(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class TakeName:
    """Give an interface the name of another of the same owner, which is called `leaving` then.

    That one goes on carrying: what is under way comes back, and whoever has it open has time to
    look. What has the name and carries another alias is somebody else's: NameTaken.
    """

    end: LinkEnd
    name: str
    leaving: str

    def __str__(self) -> str:
        return f"put {self.end.name} in the place of {self.name}"

    def undo(self) -> "TakeName":
        return TakeName(replace(self.end, name=self.leaving), self.name, self.end.name)


@dataclass(frozen=True, slots=True)
class SetLink:
    """Change an interface; what is 0, empty or None stays. `master` is a bridge beside it."""

    netns: Netns
    name: str
    mtu: int = 0
    alias: str = ""
    up: bool | None = None
    master: str = ""
    mac: str = ""

    def __str__(self) -> str:
        return f"set up interface {self.name}"

    def undo(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class AddAddress:
    """Give an interface an address for good, usable at once."""

    netns: Netns
    name: str
    address: Interface

    def __str__(self) -> str:
        return f"give {self.name} the address {self.address}"

    def undo(self) -> "DelAddress":
        return DelAddress(self.netns, self.name, self.address)


@dataclass(frozen=True, slots=True)
class DelAddress:
    """Take an address away."""

    netns: Netns
    name: str
    address: Interface

    def __str__(self) -> str:
        return f"take the address {self.address} from {self.name}"

    def undo(self) -> AddAddress:
        return AddAddress(self.netns, self.name, self.address)


@dataclass(frozen=True, slots=True)
class AddRoute:
    """Lead a prefix into an interface, by `gateway` or directly; replaces what stood there."""

    netns: Netns
    name: str
    prefix: Network
    gateway: Address | None = None
    table: int = RT_TABLE_MAIN

    def __str__(self) -> str:
        return f"lead {self.prefix} into {self.name}"

    def undo(self) -> "DelRoute":
        return DelRoute(self.netns, self.name, self.prefix, self.gateway, self.table)


@dataclass(frozen=True, slots=True)
class DelRoute:
    """No longer lead a prefix there."""

    netns: Netns
    name: str
    prefix: Network
    gateway: Address | None = None
    table: int = RT_TABLE_MAIN

    def __str__(self) -> str:
        return f"stop leading {self.prefix} into {self.name}"

    def undo(self) -> AddRoute:
        return AddRoute(self.netns, self.name, self.prefix, self.gateway, self.table)


@dataclass(frozen=True, slots=True)
class AddNeighbor:
    """Say whose hardware address an IP address has; unless permanent, the kernel will check it."""

    netns: Netns
    name: str
    ip: Address
    mac: str
    permanent: bool = True

    def __str__(self) -> str:
        return f"make {self.ip} a neighbour on {self.name}"

    def undo(self) -> "DelNeighbor":
        return DelNeighbor(self.netns, self.name, self.ip)


@dataclass(frozen=True, slots=True)
class DelNeighbor:
    """Forget a neighbour."""

    netns: Netns
    name: str
    ip: Address

    def __str__(self) -> str:
        return f"forget the neighbour {self.ip} on {self.name}"

    def undo(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class AddRule:
    """Send traffic that matches to a routing table; ports are (first, last)."""

    netns: Netns
    version: int
    table: int
    source: Network | None = None
    proto: int | None = None
    dst_port: tuple[int, int] | None = None
    src_port: tuple[int, int] | None = None

    def __str__(self) -> str:
        return f"add a rule for table {self.table}"

    def undo(self) -> "DelRule":
        return DelRule(self)


@dataclass(frozen=True, slots=True)
class DelRule:
    """Take a policy rule away."""

    rule: AddRule

    def __str__(self) -> str:
        return f"remove a rule for table {self.rule.table}"

    def undo(self) -> AddRule:
        return self.rule


Creation = AddVeth | AddVxlan | AddBridge
Op = (
    Creation
    | DelLink
    | TakeName
    | SetLink
    | AddAddress
    | DelAddress
    | AddRoute
    | DelRoute
    | AddNeighbor
    | DelNeighbor
    | AddRule
    | DelRule
)


def ends_of(op: Creation) -> tuple[LinkEnd, ...]:
    """The interfaces it makes."""
    return (op.a, op.b) if isinstance(op, AddVeth) else (op.end,)


def mtu_of(op: Creation) -> int:
    """The MTU an interface is to have; 0 where the kernel's own will do."""
    return 0 if isinstance(op, AddBridge) else op.mtu


def reverse(ops: tuple[Op, ...]) -> tuple[Op, ...]:
    """What takes `ops` back, last first."""
    return tuple(inverse for op in reversed(ops) if (inverse := op.undo()))
