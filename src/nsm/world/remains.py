"""What meshes have left on a host, told without asking anybody: nobody may be left to ask. Pure.

A mesh that has a supervisor is none of it: that can be asked.
"""

from collections.abc import Iterator

import msgspec

from nsm.dataplane.census import Census
from nsm.dataplane.facts import TABLE
from nsm.dataplane.ledger import READ
from nsm.dataplane.links import OURS
from nsm.world.audit import GRACE, Leftover

HOST = "this host"


class Remains(msgspec.Struct, frozen=True, kw_only=True):
    """What there is of one mesh that nobody leads: `folder` is empty where only processes are."""

    mesh: str
    folder: str
    files: int = 0
    namespaces: list[str] = []
    processes: dict[int, str] = {}
    guests: dict[str, Census] = {}


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """This host: its own namespace, what meshes have left, and `idle` files that nobody holds.

    `led` and `left` are the interfaces here that bear the mark of meshes with and without a
    supervisor, these with whose they are.
    """

    now: float
    census: Census
    led: frozenset[str]
    left: dict[str, str]
    remains: list[Remains]
    idle: list[str]


def left_here(host: Host) -> Iterator[Leftover]:
    """All of it, with the command that removes it."""
    for one in host.remains:
        yield from _of_mesh(one)
    yield from _in_namespace(host)
    for file in host.idle:
        yield _of("file", file, "nobody", f"rm -r {file}")


def _of_mesh(one: Remains) -> Iterator[Leftover]:
    down = f"nsm down {one.mesh}"
    for pid, words in sorted(one.processes.items()):
        yield _of("process", f"{pid} {words}", one.mesh, down if one.folder else f"kill -9 {pid}")
    for name in one.namespaces:
        yield _of("namespace", name, one.mesh, down)
    for guest, census in sorted(one.guests.items()):
        for name in sorted(census.links):
            if _is_ours(census, name):
                yield _of("interface", name, one.mesh, down, where=guest)
    if one.folder:
        yield _of("folder", f"{one.folder} with {one.files} files", one.mesh, down)


def _in_namespace(host: Host) -> Iterator[Leftover]:
    """Interfaces with what stands on them, and tables of ours where there is no interface of ours.

    Policy rules cannot be told from their owner's.
    """
    ours = [n for n in sorted(host.census.links) if n in host.left or _is_ours(host.census, n)]
    for name in ours:
        if name not in host.led:
            whose = host.left.get(name, "")
            until = 0.0 if whose else good_until(host.census.links[name].alias)
            fix = f"ip link del {name}"
            yield _of("interface", name, whose or "nobody known", fix, until=until)
    for fact in sorted(host.census.facts):
        if fact.kind == TABLE and not ours:
            yield _of(TABLE, fact.what, "nobody known", f"nft delete table netdev {fact.what}")


def _is_ours(census: Census, name: str) -> bool:
    """Whether an interface is of our making; without its key that is only what it says."""
    link = census.links[name]
    return link.group == OURS or link.alias.split(" ")[0] in READ


def good_until(alias: str) -> float:
    """How long whoever keeps it may still come back for it: programs run without a mesh, too."""
    said = alias.split(" ")[4:5]
    return int(said[0]) + GRACE if said and said[0].isdecimal() else 0.0


def _of(
    kind: str, what: str, whose: str, fix: str, *, where: str = HOST, until: float = 0.0
) -> Leftover:
    return Leftover(kind=kind, what=what, where=where, whose=whose, fix=fix, until=until)
