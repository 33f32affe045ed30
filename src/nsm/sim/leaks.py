"""What is left when nobody has anything any more: in kernels, pools, memories and descriptors."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from nsm.dataplane.vnis import Vnis
from nsm.elements.context import AssignPointToPoint, RememberPrefixes
from nsm.elements.kernel import JoinNamespaces
from nsm.sdk.events import Events
from nsm.sdk.lanes import Lanes
from nsm.sdk.lives import Lives, Living
from nsm.sdk.watching import Watching
from nsm.sim.files import LEDGER
from nsm.sim.inside import inside
from nsm.sim.mesh import Mesh, Running
from nsm.sim.process import Process

HELD: dict[type, tuple[str, Callable[[Any], Sequence[object]]]] = {
    Lives: ("connections", lambda lives: sorted(lives.lived)),
    Lanes: ("lanes", lambda lanes: range(len(lanes))),
    Events: ("connections to tell of", lambda events: range(len(events))),
    Watching: ("interests", lambda watching: sorted(watching.interests)),
    Vnis: ("VNIs", lambda vnis: range(len(vnis))),
    JoinNamespaces: ("vWires", lambda join: sorted(join.wires.standing)),
    AssignPointToPoint: ("addresses", lambda assign: range(len(assign.pool))),
    RememberPrefixes: ("prefixes of", lambda remember: sorted(remember.used)),
}
"""What is held by what, and how to see it."""
PASSING = ("refresh ", "close ", "heal ", "look at ", "serving /networkservice")
"""Tasks that are for one connection begin their names so."""


def leftovers(mesh: Mesh) -> Iterator[str]:
    """Everything that is for a connection, in a mesh that should have none."""
    for host in mesh.hosts.values():
        for netns, name in host.kernel.links_at:
            yield f"{host.name} still has the interface {name} in {mesh.owner(netns)}"
        if host.kernel.routes or host.kernel.rules:
            yield f"{host.name} still has routes or rules of interfaces that are gone"
    for name, running in mesh.running.items():
        for what in sorted(held_by(mesh, running)):
            yield f"{name} still has {what}"


def held_by(mesh: Mesh, running: Running) -> Iterator[str]:
    """What one program holds for connections."""
    process = running.process
    roots = [
        listener.methods
        for listener in mesh.network.listeners.values()
        if listener.process is process
    ]
    keepers: list[object] = inside(tuple(HELD), *roots, running.program)
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
