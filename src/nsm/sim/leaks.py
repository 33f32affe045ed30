"""What is left when nobody has anything any more: in kernels, pools, memories and descriptors."""

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from nsm.api.connection import Connection
from nsm.api.paths import earliest
from nsm.components.client.report import UP
from nsm.dataplane.vnis import Vnis
from nsm.elements.context import AssignPointToPoint, RememberPrefixes
from nsm.elements.kernel import JoinNamespaces
from nsm.elements.lifecycle.timeout import FOR_THE_CLOSE
from nsm.elements.registry.catalog import Catalog
from nsm.elements.registry.views import Views
from nsm.sdk.events import Events
from nsm.sdk.lanes import Lanes
from nsm.sdk.lives import Lives, Living
from nsm.sdk.watching import Watching
from nsm.sim.files import LEDGER
from nsm.sim.inside import inside
from nsm.sim.mesh import Mesh, Running
from nsm.sim.process import START, Process

T = TypeVar("T")

HELD: dict[type, tuple[str, Callable[[Any], Sequence[object]]]] = {
    Lives: ("connections", lambda lives: sorted(lives.lived)),
    Lanes: ("lanes", lambda lanes: range(len(lanes))),
    Events: ("connections to tell of", lambda events: range(len(events))),
    Watching: ("interests", lambda watching: sorted(watching.interests)),
    Vnis: ("VNIs", lambda vnis: range(len(vnis))),
    JoinNamespaces: ("vWires", lambda join: sorted({*join.wires.standing, *join.wires.left})),
    AssignPointToPoint: ("addresses", lambda assign: range(len(assign.pool))),
    RememberPrefixes: ("prefixes of", lambda remember: sorted(remember.occupied)),
}
"""What is held by what, and how to see it."""
Known = tuple[str, str]
"""A host, and the id of a connection there."""
ASKER = "-client"
"""How the names end of the segments under which those that pass on ask: it is all one life."""
PASSING = ("refresh ", "close ", "heal ", "look at ", "serving /networkservice")
"""Tasks that are for one connection begin their names so."""


def leftovers(mesh: Mesh) -> Iterator[str]:
    """Everything that is for a connection, in a mesh that should have none."""
    for host in mesh.hosts.values():
        for netns, name in host.kernel.links_at:
            yield f"{host.name} still has the interface {name} in {mesh.owner(netns)}"
        if host.joints:
            yield f"{host.name} still joins interfaces"
        if host.kernel.routes or host.kernel.rules:
            yield f"{host.name} still has routes or rules of interfaces that are gone"
    for name, running in mesh.running.items():
        for what in sorted(held_by(mesh, running)):
            yield f"{name} still has {what}"


def ids_of_those_up(mesh: Mesh) -> set[Known]:
    """Where, and under which ids, the hops know what their clients have.

    A forwarder goes on under the id that another had in its place: an id alone may be two ways'.
    """
    up = (wire.conn for _, wire in mesh.wires() if wire.state == UP)
    return {(_home(mesh, one.name), one.id) for conn in up for one in conn.hops.segments}


def _home(mesh: Mesh, segment: str) -> str:
    """The host of a hop; those of the mesh itself bear its name."""
    name = segment.removesuffix(ASKER)
    return mesh.roles[name].host if name in mesh.roles else name.rpartition("-")[2]


def unclosed(mesh: Mesh, ids: set[Known]) -> Iterator[str]:
    """Connections of these ids that stand somewhere, though they were closed in peace.

    Where nobody died, nothing of them has to wait for a collector.
    """
    for host in mesh.hosts.values() if mesh.story.theme == "mishaps" else ():
        if host.kernel.rules:
            yield f"{host.name} still has rules of what was closed"
    for name, id in _lived(mesh):
        if (_home(mesh, name), id) in ids:
            yield f"{name} still has {id}, which its client closed"
    for name, running in mesh.running.items():
        for ring in running.process.clock.pending:
            one = getattr(ring.ring, "__self__", None)
            if isinstance(one, Living) and (_home(mesh, name), one.key) in ids:
                yield f"{name} still has an alarm of {one.key}, which its client closed"


def strays(mesh: Mesh) -> Iterator[str]:
    """Connections that stand somewhere, and that no client has, though nobody died."""
    ids = ids_of_those_up(mesh)
    clients = {client.name for client in mesh.story.clients}
    for name, id in _lived(mesh):
        if (_home(mesh, name), id) not in ids and name not in clients:
            yield f"{name} has {id}, which no client has"


def forgotten(mesh: Mesh) -> Iterator[str]:
    """Connections that carry for a client, though a hop on their way knows nothing of them.

    Not those of clients that send no pings: they give up what is refused, though it may carry. Nor
    those that nobody could refresh until a token of their last answer ran out.
    """
    known, blind = {(_home(mesh, name), id) for name, id in _lived(mesh)}, mesh.story.blind
    for client, wire in mesh.wires():
        if client in blind or _is_spent(mesh, wire.conn) or not mesh.carries(client, wire.conn):
            continue
        for hop in wire.conn.hops.segments:
            if not hop.name.endswith(ASKER) and (_home(mesh, hop.name), hop.id) not in known:
                yield f"{hop.name} does not know {hop.id}, which {client} has as {wire.id}"


def _is_spent(mesh: Mesh, conn: Connection) -> bool:
    """Whether somebody's clock may say that it is time to close it, for want of a refresh."""
    ends = earliest(conn.hops)
    latest = START + asyncio.get_running_loop().time() + max(h.skew for h in mesh.hosts.values())
    return ends is not None and latest >= ends.time - FOR_THE_CLOSE * mesh.story.shortest


def still_known(mesh: Mesh) -> Iterator[str]:
    """Endpoints that somebody takes for alive, though none is."""
    dead = {endpoint.name for endpoint in mesh.story.endpoints}
    for name, running in mesh.running.items():
        known = [one.name for each in _keepers(mesh, running, Catalog) for one in each]
        if name != "registry":  # what others keep in a catalog is for when there is no registry
            kept = _keepers(mesh, running, Views)
            known = [one for views in kept for view in views.known.values() for one in view.records]
        for one in dead.intersection(known):
            yield f"{name} still takes {one} for alive"


def _lived(mesh: Mesh) -> Iterator[tuple[str, str]]:
    for name, running in mesh.running.items():
        for lives in _keepers(mesh, running, Lives):
            for id in lives.lived:
                yield name, id


def _keepers(mesh: Mesh, running: Running, *kinds: type[T]) -> list[T]:
    """What a program keeps things in. It has all of that, or none yet; it is looked for once.

    All that a program holds can be reached from itself, and from what it answers with.
    """
    listeners = mesh.network.listeners.values()
    heard = [one.methods for one in listeners if one.process is running.process]
    if not running.keepers.get(len(heard)):
        running.keepers[len(heard)] = inside((*HELD, Catalog, Views), *heard, running.program)
    return [one for one in running.keepers[len(heard)] if isinstance(one, kinds)]


def held_by(mesh: Mesh, running: Running) -> Iterator[str]:
    """What one program holds for connections."""
    process = running.process
    keepers: list[object] = _keepers(mesh, running, *HELD)
    for keeper in keepers:
        word, seen = HELD[type(keeper)]
        if held := seen(keeper):
            named = "" if isinstance(held, range) else f": {', '.join(map(str, held))}"
            yield f"{len(held)} {word} ({type(keeper).__name__}){named}"
    yield from _passing(process)


def _passing(process: Process) -> Iterator[str]:
    """Alarms, tasks and files that are for connections."""
    for ring in process.clock.pending:
        if isinstance(getattr(ring.ring, "__self__", None), Living):
            yield "an alarm of a connection"
    for task in process.tasks.names:
        if task.startswith(PASSING):
            yield f"a task: {task}"
    for fd in LEDGER.held(process):
        with suppress(OSError):
            if ".netns" in os.readlink(f"/proc/self/fd/{fd}"):
                yield "a namespace's file"
