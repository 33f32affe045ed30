"""What of a mesh is left over: what is there, held against what should be. Pure.

What programs hold for somebody who went without a word is no leftover before its time is up: then
it goes by itself. It is `waiting` until then.
"""

from collections.abc import Iterator

import msgspec

from nsm.dataplane.census import Census
from nsm.dataplane.facts import LINK
from nsm.program.inventory import Inventory
from nsm.world.claims import Claims

GRACE = 30.0
"""Seconds something may outlive its expiry: clocks differ, and closing takes its time."""


class Leftover(msgspec.Struct, frozen=True, kw_only=True):
    """Something nobody needs: of which kind, what, where, whose it was, what removes it."""

    kind: str
    what: str
    where: str
    whose: str
    fix: str
    until: float = 0.0
    """When it goes by itself, in seconds since 1970; 0: never."""


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """A process of the mesh: what it is, whether anyone started it who still lives, what it holds.

    `namespaces` are the inodes of those it has open, `deleted` the files that are no more.
    """

    pid: int
    words: str
    orphan: bool
    namespaces: list[int] = []
    deleted: list[str] = []


class Tagged(msgspec.Struct, frozen=True):
    """What an alias says: which connection's, as tags name it, in which role, good until when.

    It was written by `writer`.
    """

    connection: str
    role: str
    expires: float
    writer: str


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What is there: namespaces by name, processes, files; and what programs said they hold."""

    now: float
    censuses: dict[str, Census]
    inventories: dict[str, Inventory]
    processes: list[Process]
    files: list[str]
    tags: dict[tuple[int, str], Tagged] = {}
    """By namespace and interface."""
    elsewhere: list[int] = []
    """Namespaces of the host that are none of the mesh's."""


def on_host(claims: Claims, found: Found) -> Iterator[Leftover]:
    """Files, namespaces and processes that the mesh knows nothing of."""
    for file in sorted(set(found.files) - set(claims.files)):
        kind = "namespace" if file.startswith(("netns/", "attached/")) else "file"
        fix = f"`nsm down {claims.mesh}` removes it"
        yield Leftover(kind=kind, what=file, where=claims.mesh, whose="nobody", fix=fix)
    ours = {claims.supervisor, claims.zygote, *(part.pid for part in claims.parts)}
    for process in found.processes:
        if process.orphan and process.pid not in ours:
            what, fix = f"{process.pid} {process.words}", f"kill {process.pid}"
            yield Leftover(kind="process", what=what, where=claims.mesh, whose="nobody", fix=fix)


def in_programs(claims: Claims, found: Found) -> Iterator[Leftover]:
    """What programs hold for connections and endpoints that are no more."""
    wanted = _wanted(claims, found)
    names = {name for one in found.inventories.values() for name in one.registered}
    for who, one in found.inventories.items():
        yield from _connections(who, one, found.now, wanted)
        yield from _in_memory(who, one)
        yield from _built(who, one)
        for entry in one.entries:
            if entry.name not in names:
                what = f"{entry.name} in the registry, and no such endpoint"
                yield inside(who, "registry entry", what, until=entry.expires + GRACE)


def _in_memory(who: str, one: Inventory) -> Iterator[Leftover]:
    """Lives, tasks, timers and addresses of connections that the program no longer has."""
    held, awaited = {conn.id for conn in one.connections}, dict(one.awaited)
    for life in sorted(set(one.lives) - held - set(one.wanted)):
        yield inside(who, "life", life)
    for task in _strays(one, held | set(one.wanted) | set(one.lives)):
        yield inside(who, "task", task)
    for stale in one.stale:
        yield inside(who, "timer", f"for {stale}, which is over")
    for id, address in one.addresses:
        if id not in held:
            what = f"{address}, handed out for {id or 'nobody'}"
            yield inside(who, "address", what, until=awaited[id] + GRACE if id in awaited else 0.0)


def _built(who: str, one: Inventory) -> Iterator[Leftover]:
    """Interfaces that the program says it keeps, but for whom?"""
    served = {conn.id for conn in one.connections} | set(one.lives) | {""}
    for built in one.built:
        if built.kind == LINK and built.connection not in served:
            yield inside(who, LINK, f"{built.what}, built for {built.connection}, which is over")


PER_CONNECTION = ("refresh ", "close ", "heal ", "look at ", "connect ", "check ")


def _strays(one: Inventory, known: set[str]) -> Iterator[str]:
    """Tasks that work for a connection which is no more."""
    for task in one.tasks:
        for kind in PER_CONNECTION:
            if task.startswith(kind) and task.removeprefix(kind) not in known:
                yield task


def _wanted(claims: Claims, found: Found) -> dict[str, frozenset[str]]:
    """By client, the ids of the vWires it wants; clients that do not answer are left out."""
    clients = {part.who: part.name for part in claims.parts if part.kind == "client"}
    return {
        clients[who]: frozenset(one.lives) | frozenset(one.wanted)
        for who, one in found.inventories.items()
        if who in clients
    }


def asked_for(claims: Claims, found: Found) -> frozenset[str]:
    """The connections, by their ids at whoever serves them, that a living client wants."""
    wanted = _wanted(claims, found)
    return frozenset(
        conn.id
        for one in found.inventories.values()
        for conn in one.connections
        if conn.path and conn.path[0].id in wanted.get(conn.path[0].name, frozenset())
    )


def _connections(
    who: str, one: Inventory, now: float, wanted: dict[str, frozenset[str]]
) -> Iterator[Leftover]:
    """Connections that outlived their caller's word, and those whose client knows nothing of it."""
    ends = good_until(one)
    for conn in one.connections:
        client, until = conn.path[0] if conn.path else None, ends[conn.id]
        if until and until < now:
            yield inside(who, "connection", f"{conn.id}, which should have ended")
        elif client and client.id not in wanted.get(client.name, frozenset([client.id])):
            what = f"{conn.id} of {client.name}, which does not want it"
            yield inside(who, "connection", what, until=until)


def good_until(one: Inventory) -> dict[str, float]:
    """By connection, when it ends for want of a word from whoever asked for it."""
    before = {
        conn.id: conn.path[conn.index - 1].expires if 0 < conn.index < len(conn.path) else 0.0
        for conn in one.connections
    }
    return {id: expires + GRACE if expires else 0.0 for id, expires in before.items()}


def inside(who: str, kind: str, what: str, until: float = 0.0) -> Leftover:
    """Something inside a program."""
    fix = f"`nsm restart {who}`, and please report it"
    return Leftover(kind=kind, what=what, where=who, whose=who, fix=fix, until=until)
