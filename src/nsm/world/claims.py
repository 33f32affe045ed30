"""What a supervisor says should be there: the mesh as it planned it, and as it runs now."""

import asyncio
import os

import msgspec

from nsm.dataplane.facts import Fact, facts
from nsm.dataplane.netns import Netns
from nsm.world.plan import Namespace
from nsm.world.supervisor import Supervisor
from nsm.world.wiring import wiring

OF_ALL = ("control.sock", "status.sock", "state.json", "excluded_prefixes.yaml")
OF_PROGRAMS = ("holds.sock", "listen.on", "nsm.io.sock", "node.key", "agent.sock", "notes")
"""What programs keep in their folders; the authority's own begin with `a`, too."""
OF_AUTHORITY = ("agent.admin.sock", "authority.pem")


class Part(msgspec.Struct, frozen=True):
    """A process of the mesh, and the namespace it stands in."""

    who: str
    name: str
    kind: str
    namespace: str
    pid: int


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """All of it; namespaces by name, with their inodes. Those in `guests` are somebody else's."""

    mesh: str
    supervisor: int
    zygote: int
    namespaces: dict[str, int]
    guests: list[str]
    parts: list[Part]
    wiring: list[Fact]
    files: list[str]


async def claims(supervisor: Supervisor) -> Claims:
    """Ask it of everything it made."""
    spaces = supervisor.spaces
    names = [name for name in (*spaces.spaces, *sorted(spaces.adopted)) if spaces.exists(name)]
    return Claims(
        mesh=supervisor.plan.mesh,
        supervisor=os.getpid(),
        zygote=supervisor.server.pid,
        namespaces={name: spaces.path(name).stat().st_ino for name in names},
        guests=sorted(spaces.adopted),
        parts=[
            Part(job.who, job.process.name, job.process.kind, job.process.namespace, job.pid or 0)
            for job in supervisor.jobs
        ],
        wiring=await asyncio.to_thread(_wired, supervisor, tuple(spaces.spaces.values())),
        files=_files(supervisor, names),
    )


def _wired(supervisor: Supervisor, planned: tuple[Namespace, ...]) -> list[Fact]:
    """What joins the namespaces that are there."""
    there = {
        space.name: Netns.open(str(supervisor.spaces.path(space.name)))
        for space in planned
        if supervisor.spaces.exists(space.name)
    }
    return list(facts(wiring(planned, there, frozenset(there))))


def _files(supervisor: Supervisor, namespaces: list[str]) -> list[str]:
    """Every file that may be in the mesh's folder, by its path there."""
    home, found = supervisor.home, [*OF_ALL]
    for domain in supervisor.plan.domains:
        here = (home.services(domain.name), home.entries(domain.name), *domain.rules)
        found += [path.name for path in here]
    for name in namespaces:
        found += [f"netns/{name}", f"attached/{name}", f"etc/{name}/resolv.conf"]
    for who in (job.who for job in supervisor.jobs):
        own = OF_PROGRAMS + (OF_AUTHORITY if who.startswith("identity@") else ())
        kept = tuple(f"{wire.id}.vwire" for wire in supervisor.wires.of(who))
        found += [f"run/{who}/{name}" for name in own + kept]
    return found
