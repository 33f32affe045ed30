"""An interface of a fake kernel."""

from dataclasses import dataclass, field

from nsm.dataplane.encode import Address, Interface
from nsm.dataplane.link import Link
from nsm.dataplane.netns import Netns
from nsm.dataplane.ops import LinkEnd

Place = tuple[Netns, str]


@dataclass(slots=True)
class FakeLink:
    """An interface and what stands on it; `peer` is where the other end of a pair is.

    `tunnel` is from and to which address of nodes a tunnel leads.
    """

    end: LinkEnd
    kind: str
    index: int
    mtu: int = 1500
    peer: Place | None = None
    vni: tuple[Netns, int, int] | None = None
    tunnel: tuple[Address, Address] | None = None
    addresses: dict[Interface, None] = field(default_factory=dict)
    neighbors: dict[Address, tuple[str, bool]] = field(default_factory=dict)
    alias: str = ""

    def told(self) -> Link:
        """The same, as a kernel tells of it."""
        return Link(
            self.end.name,
            self.index,
            self.kind,
            self.mtu,
            self.end.mac,
            self.alias,
            up=True,
            vni=self.vni[2] if self.vni else 0,
            addresses=tuple(self.addresses),
        )
