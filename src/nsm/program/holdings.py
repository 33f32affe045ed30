"""What a program holds, by kind: whoever keeps what can grow says so here, to be asked later."""

from collections.abc import Callable, Iterable
from itertools import chain
from typing import Generic, TypeVar

from nsm.api.connection import Connection

T = TypeVar("T")
Ask = Callable[[], Iterable[T]]


class Kept(Generic[T]):
    """All of one kind, asked of everyone who keeps some."""

    def __init__(self) -> None:
        self._asked: list[Ask[T]] = []

    def by(self, ask: Ask[T]) -> None:
        """Somebody keeps some, and says which whenever asked."""
        self._asked.append(ask)

    @property
    def all(self) -> list[T]:
        """What is there now."""
        return list(chain.from_iterable(ask() for ask in self._asked))


class Holdings:
    """One of each kind that an audit compares."""

    def __init__(self) -> None:
        self.connections: Kept[tuple[str, Connection]] = Kept()
        """Served here, by the name under which."""
        self.wanted: Kept[str] = Kept()
        """Ids of vWires that this program itself asks for."""
        self.addresses: Kept[tuple[str, str]] = Kept()
        """Connection and address, handed out of pools."""
        self.awaited: Kept[tuple[str, float]] = Kept()
        """Connections of an earlier life that may come back, and until when (epoch)."""
        self.registered: Kept[str] = Kept()
        """Names this program is registered under."""
        self.built: Kept[tuple[str, int, str, str, str]] = Kept()
        """Connection, and what stands in the kernel for it (the fields of `dataplane.facts`)."""
        self.vnis: Kept[tuple[str, int]] = Kept()
        """Whose tunnel (as tags name a connection), and the VNI that is held for it."""
        self.sockets: Kept[int] = Kept()
        """How many sockets each of those has that may have many."""
