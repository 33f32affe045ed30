"""What an earlier life of a forwarder made, until somebody asks for it again."""

from collections.abc import Collection, Iterable

from nsm.dataplane.ledger import Tag
from nsm.dataplane.netns import Key, Netns
from nsm.dataplane.ops import DelLink, LinkEnd
from nsm.dataplane.sweep import Found


class Inherited:
    """Connections, as tags name them, and where their interfaces stand.

    Once it `yields`, they make room for whoever asks for their place: who had one would have come
    by then, and who lost its id would find its own interface in the way until that expired.
    """

    def __init__(self) -> None:
        self.yields = False
        self._connections: set[str] = set()
        self._at: dict[tuple[Key, str], tuple[str, str]] = {}

    def __len__(self) -> int:
        return len(self._connections)

    def __contains__(self, id: str) -> bool:
        """Whether a connection of that id is among them."""
        return bool(self._connections) and Tag.of(id, "").connection in self._connections

    def add(self, found: Iterable[Found]) -> None:
        """These stand."""
        for one in found:
            self._connections.add(one.tag.connection)
            self._at[one.netns.key, one.link.name] = one.tag.connection, one.link.alias

    def take(self, id: str) -> None:
        """Somebody has it."""
        if self._connections:
            self._connections.discard(Tag.of(id, "").connection)

    def lost(self, standing: Collection[str]) -> set[str]:
        """Those that have no interface any more: told once, and forgotten.

        `standing` are the connections that have one, as tags name them.
        """
        lost = self._connections.difference(standing)
        self._connections -= lost
        self._at = {at: of for at, of in self._at.items() if of[0] in self._connections}
        return lost

    def in_the_way(self, places: Iterable[tuple[Netns, str]]) -> list[DelLink]:
        """What removes those of them that stand in these places."""
        removing = []
        for netns, name in places if self.yields else ():
            connection, alias = self._at.get((netns.key, name), ("", ""))
            if connection in self._connections:
                removing.append(DelLink(LinkEnd(netns, name, alias=alias)))
        return removing
