"""Looks at all there is of a mesh, and again while it is on its way out."""

import os
import socket
import time
from collections.abc import Callable, Iterable, Iterator
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
from nsm.world.audit import Found, Leftover, Process, Tagged, in_programs, on_host
from nsm.world.audit_kernel import in_kernel
from nsm.world.audit_open import left_open
from nsm.world.audit_vnis import vnis
from nsm.world.claims import Claims, Part
from nsm.world.control import Control
from nsm.world.ground import Home
from nsm.world.here import remains
from nsm.world.mark import Mark

LOOK = 0.25
"""Seconds between two looks."""
ANSWER = 5.0
"""Seconds a program may take to say what it holds."""
LARGEST = 64 << 20
"""Bytes of what a program says; 10,000 connections have a tenth of it."""


Parted = tuple[list[Leftover], list[Leftover]]
"""What is left over, and what waits for its time to be up."""


def audit(home: Home, within: float) -> Parted:
    """Of a mesh that has a supervisor to say what should be there."""
    return settled(lambda: _audit(home), within)


def audit_here(within: float) -> Parted:
    """Of this host, without asking anybody."""
    return settled(remains, within)


def settled(look: Callable[[], list[Leftover]], within: float) -> Parted:
    """What `look` finds, looked at until nothing is left over.

    What changes is given `within` seconds to be whole: only what stays is left over.
    """
    until = time.monotonic() + within
    while True:
        every, now = look(), time.time()
        left = [one for one in every if one.until <= now]
        if not left or time.monotonic() > until:
            return left, [one for one in every if one.until > now]
        time.sleep(LOOK)  # noqa: TID251 -- a command of its own: there is no loop to block


def _audit(home: Home) -> list[Leftover]:
    answer = Control(home).ask("claims")
    claims = msgspec.convert(answer, Claims)
    found = look(home, claims)
    return [
        *on_host(claims, found),
        *in_programs(claims, found),
        *left_open(claims, found),
        *in_kernel(claims, found),
        *vnis(found),
    ]


def look(home: Home, claims: Claims) -> Found:
    """Everything, once. Programs first: what they then let go of is not held against them."""
    inventories = {part.who: told for part in claims.parts if (told := _ask(home, part))}
    censuses = dict(_censuses(home, claims))
    return Found(
        now=time.time(),
        censuses=censuses,
        inventories=inventories,
        processes=list(_processes(home, claims)),
        files=list(_files(home)),
        tags=dict(_tags(home, censuses.values())),
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


def _tags(home: Home, censuses: Iterable[Census]) -> Iterator[tuple[tuple[int, str], Tagged]]:
    """What interfaces bear that one of the mesh's own keys proves."""
    paths = (home.root / "run").glob("*/node.key")
    keys = [(path.parent.name, NodeKey(path.read_bytes())) for path in paths]
    for one in censuses:
        for link in one.links.values():
            for writer, key in keys:
                if tag := key.read(link.alias):
                    told = Tagged(tag.connection, tag.role, tag.expires, writer)
                    yield (one.netns, link.name), told


def _processes(home: Home, claims: Claims) -> Iterator[Process]:
    """Every process that bears the mark of this mesh."""
    launchers, mark = {1, claims.supervisor, claims.zygote}, Mark.of(home)
    nsfs = os.stat("/proc/self/ns/net").st_dev
    for pid in procfs.pids():
        if mark.is_on(pid):
            there = list(procfs.descriptors(pid))
            yield Process(
                pid=pid,
                words=procfs.words(pid),
                orphan=procfs.parent(pid) in launchers,
                namespaces=[ino for name, (dev, ino) in there if dev == nsfs and _is_net(name)],
                deleted=[n for n, (dev, _) in there if dev != nsfs and n.endswith(" (deleted)")],
            )


def _is_net(name: str) -> bool:
    """Whether a namespace is one of networks: those that stand at a path are."""
    return name.startswith(("net:[", "/"))


def _files(home: Home) -> Iterator[str]:
    """Every file of the mesh's folder, by its path there.

    But for logs, which are kept to be read, and drafts, which are on their way to be files.
    """
    for path in sorted(Path(home.root).rglob("*")):
        kept = path.parent == home.logs or path.name.endswith(".new")
        if not path.is_dir() and not kept:
            yield str(path.relative_to(home.root))
