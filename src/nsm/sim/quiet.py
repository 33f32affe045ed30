"""What no vWire is to notice: that programs die beside it, and that time passes."""

from collections.abc import Iterator
from dataclasses import dataclass

from nsm.api.connection import Connection
from nsm.api.mechanism import NAME
from nsm.components.client.report import UP, Wire
from nsm.sim.mesh import Mesh

Place = tuple[str, str]
"""A client and the name of an interface it has."""


class Continuity:
    """Once something carries it carries on, whoever dies: the data plane does not need us.

    Judged by the kernels alone, after every change to one of them: whatever the interface has for
    addresses must reach whatever is at its other end. Not for clients that send no pings: they do
    not know that it carries, and give it up with its endpoint (W §2.1).
    """

    def __init__(self, mesh: Mesh) -> None:
        self.mesh = mesh
        self.carried: dict[Place, None] = {}
        self.had: dict[Place, tuple[str, tuple[str, ...]]] = {}
        self.roomy = {one.name for one in mesh.story.endpoints if one.prefix.endswith("/24")}
        self.blind = mesh.story.blind
        self.over = mesh.story.theme != "deaths"
        mesh.changed = self.look

    def note(self, client: str, conn: Connection) -> None:
        """It carries now."""
        if self.over or not conn.mechanism or client in self.blind:
            return
        name = conn.mechanism.get(NAME)
        self.carried[client, name] = None
        had, has = self.had.get((client, name)), (conn.hops.segments[-1].name, conn.ip.src_ip_addrs)
        if had and had[0] == has[0] and had[1] != has[1] and has[0] in self.roomy:
            self.mesh.complain(f"{name} of {client} had {had[1]} of {had[0]}, and now has {has[1]}")
        self.had[client, name] = has

    def look(self) -> None:
        """Tell of each that does not carry any more, once."""
        for client, name in [] if self.over else list(self.carried):
            if not self.mesh.passes(client, name):
                del self.carried[client, name]
                self.mesh.complain(f"{name} of {client} carries no more, though only programs died")


@dataclass(frozen=True, slots=True)
class _State:
    """What is not to change of a vWire while nothing happens."""

    state: str
    endpoint: str
    ids: tuple[str, ...]
    addresses: tuple[str, ...]
    device: int


class Peace:
    """Nothing happens to a mesh where nothing goes wrong, for as long as tokens last and longer."""

    def __init__(self, mesh: Mesh) -> None:
        self.mesh = mesh
        self.stood = {(client, wire.id): self._state(client, wire) for client, wire in self._up()}

    def look(self) -> None:
        """Tell of each vWire that is not what it was, once."""
        now = {(client, wire.id): self._state(client, wire) for client, wire in self.mesh.wires()}
        for (client, id), before in list(self.stood.items()):
            after = now.get((client, id))
            if after != before:
                del self.stood[client, id]
                self.mesh.complain(f"{id} changed though nothing went wrong: {before} -> {after}")

    def _up(self) -> Iterator[tuple[str, Wire]]:
        for client, wire in self.mesh.wires():
            if wire.state == UP and self.mesh.carries(client, wire.conn):
                yield client, wire

    def _state(self, client: str, wire: Wire) -> _State:
        conn = wire.conn
        link = self.mesh.link(client, conn.mechanism.get(NAME)) if conn.mechanism else None
        return _State(
            state=wire.state,
            endpoint=conn.endpoint,
            ids=tuple(one.id for one in conn.hops.segments),
            addresses=conn.ip.src_ip_addrs,
            device=link.index if link else 0,
        )
