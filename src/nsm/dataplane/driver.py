"""Whoever carries out ops."""

from typing import TYPE_CHECKING, Protocol

from nsm.errors import Exhausted

if TYPE_CHECKING:  # who only catches VniTaken, as a client's imports do, need not wait for these
    from nsm.dataplane.facts import Fact
    from nsm.dataplane.link import Link
    from nsm.dataplane.netns import Netns
    from nsm.dataplane.ops import Op


class VniTaken(Exhausted):
    """A VXLAN device of this node already has that VNI on that port: ask for another."""


class NameTaken(Exhausted):
    """The namespace has an interface of that name, and it is not this connection's."""


class Driver(Protocol):
    """A kernel, real or not."""

    async def apply(self, *ops: "Op") -> None:
        """Carry out `ops` in order, or take back those done and raise an NsmError.

        Doing what is done already, or removing what is gone, is no error. Cancelled while it
        works, it takes back what it did as well.
        """
        ...

    async def look(self, netns: "Netns", name: str) -> "Link | None":
        """An interface as it is now, with its addresses; None where there is none."""
        ...

    async def links(self, netns: "Netns") -> "tuple[Link, ...]":
        """Every interface of a namespace, without addresses."""
        ...

    async def tidy(self, netns: "Netns") -> "tuple[Fact, ...]":
        """Remove what interfaces of ours have left in a namespace when they went; what it was."""
        ...
