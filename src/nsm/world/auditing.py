"""Looks at all there is of a mesh, and again while it is on its way out."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from nsm.dataplane.census import Census, census
from nsm.dataplane.ledger import NodeKey
from nsm.dataplane.netns import Netns
from nsm.dataplane.reaper import DOOMED
from nsm.errors import NsmError
from nsm.program.inventory import Inventory
from nsm.world import procfs
from nsm.world.audit import Found, Leftover, Process, in_programs, on_host
from nsm.world.audit_kernel import in_kernel
from nsm.world.claims import Claims, Part
from nsm.world.control import Control
from nsm.world.ground import Home
from nsm.world.mark import Mark

LOOK = 0.25
"""Seconds between two looks."""
ANSWER = 5.0
"""Seconds a program may take to say what it holds."""
LARGEST = 64 << 20
"""Bytes of what a program says; 10,000 connections have a tenth of it."""


def audit(home: Home, within: float) -> tuple[list[Leftover], list[Leftover]]:
    """What is left over, and what waits for its time to be up; looked at until nothing is.

    What changes is given `within` seconds to be whole: only what stays is left over.
    """
    until = time.monotonic() + within
    while True:
        left, waiting = _audit(home)
        if not left or time.monotonic() > until:
            return left, waiting
        time.sleep(LOOK)  # noqa: TID251 -- a command of its own: there is no loop to block


def _audit(home: Home) -> tuple[list[Leftover], list[Leftover]]:
    answer = Control(home).ask("claims")
    claims = msgspec.convert(answer, Claims)
    found = look(home, claims)
    every = (*on_host(claims, found), *in_programs(claims, found), *in_kernel(claims, found))
    waiting = [one for one in every if one.until > found.now]
    return [one for one in every if one.until <= found.now], waiting


def look(home: Home, claims: Claims) -> Found:
    """Everything, once. Programs first: what they then let go of is not held against them."""
    inventories = {part.who: told for part in claims.parts if (told := _ask(home, part))}
    censuses = dict(_censuses(home, claims))
    keys = [NodeKey(path.read_bytes()) for path in (home.root / "run").glob("*/node.key")]
    tags = {
        (one.netns, link.name): (tag.connection, float(tag.expires))
        for one in censuses.values()
        for link in one.links.values()
        for key in keys
        if (tag := key.read(link.alias))
    }
    return Found(
        now=time.time(),
        censuses=censuses,
        inventories=inventories,
        processes=list(_processes(home, claims)),
        files=list(_files(home)),
        tags=tags,
        elsewhere=[ino for pid in procfs.pids() for _, ino in [procfs.namespace(pid) or (0, 0)]],
    )


def _ask(home: Home, part: Part) -> Inventory | None:
    """What a program says that it holds; None of one that does not speak, or not of itself."""
    if not part.pid:
        return None
    with suppress(OSError, msgspec.MsgspecError), socket.socket(socket.AF_UNIX) as channel:
        channel.settimeout(ANSWER)
        channel.connect(os.fsencode(home.inventory(part.who)))
        said = bytearray()
        while (piece := channel.recv(1 << 16)) and len(said) < LARGEST:
            said += piece
        found = msgspec.json.decode(said, type=Inventory)
        return found if found.pid == part.pid else None
    return None


def _censuses(home: Home, claims: Claims) -> Iterator[tuple[str, Census]]:
    """Every namespace of the mesh; interfaces that are being removed are gone already."""
    for name in claims.namespaces:
        path = home.guest(name) if name in claims.guests else home.namespace(name)
        with suppress(OSError, NsmError):
            netns = Netns.open(str(path))
            try:
                taken = census(netns)
            finally:
                netns.close()
            doomed = {link.name for link in taken.links.values() if link.group == DOOMED}
            facts = frozenset(fact for fact in taken.facts if fact.link not in doomed)
            yield name, Census(taken.netns, facts, taken.links)


def _processes(home: Home, claims: Claims) -> Iterator[Process]:
    """Every process that bears the mark of this mesh."""
    launchers, mark = {1, claims.supervisor, claims.zygote}, Mark.of(home)
    for pid in procfs.pids():
        if mark.is_on(pid):
            there = [target for _, target in procfs.descriptors(pid)]
            yield Process(
                pid=pid,
                words=procfs.words(pid),
                orphan=procfs.parent(pid) in launchers,
                namespaces=[int(t[5:-1]) for t in there if t.startswith("net:[")],
                deleted=[t for t in there if t.startswith("/") and t.endswith(" (deleted)")],
            )


def _files(home: Home) -> Iterator[str]:
    """Every file of the mesh's folder, by its path there.

    But for logs, which are kept to be read, and drafts, which are on their way to be files.
    """
    for path in sorted(Path(home.root).rglob("*")):
        kept = path.parent == home.logs or path.name.endswith(".new")
        if not path.is_dir() and not kept:
            yield str(path.relative_to(home.root))
