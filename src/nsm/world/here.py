"""Looks at this host, without asking anybody: what meshes have left whose supervisor has died."""

import fcntl
import os
import socket
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from nsm.dataplane.census import Census, census
from nsm.dataplane.ledger import NodeKey
from nsm.dataplane.netns import Netns
from nsm.errors import NsmError
from nsm.world import procfs
from nsm.world.audit import Leftover
from nsm.world.control import meshes
from nsm.world.ground import BASE, MARKER, MESH, Home
from nsm.world.mark import Mark
from nsm.world.remains import Host, Remains, left_here
from nsm.world.starting import is_alive
from nsm.world.sweep import keys_of

TEMPORARY = "nsm-*/listen.on"
"""The socket of a program that was given no place to serve at."""


def remains(base: Path = BASE) -> list[Leftover]:
    """What is left over here, and what will go by itself, once."""
    return list(left_here(look(base)))


def look(base: Path) -> Host:
    """Everything, once."""
    homes = list(meshes(base))
    led = [home for home in homes if is_alive(home)]
    left = [home for home in homes if home not in led]
    own = _census("/proc/self/ns/net")
    marked = dict(_marked(base))
    known = [_of(home, marked) for home in left]
    gone = {home for home in marked.values() if home not in homes}
    return Host(
        now=time.time(),
        census=own,
        led=frozenset(name for home in led for name in _proven(home, own)),
        left={name: home.mesh for home in left for name in _proven(home, own)},
        remains=known + [_of(home, marked) for home in sorted(gone, key=lambda one: one.mesh)],
        idle=[*_locks(base), *_sockets()],
    )


def _marked(base: Path) -> Iterator[tuple[int, Home]]:
    """Every process of a mesh that lives, or lived, in this folder."""
    for pid in procfs.pids():
        root = Path(procfs.environment(pid).get(MARKER, "/"))
        if root.parent == base and MESH.fullmatch(root.name):
            home = Home(root.name, base)
            if Mark.of(home).is_on(pid) and procfs.alive(pid, procfs.began(pid)):
                yield pid, home


def _of(home: Home, marked: dict[int, Home]) -> Remains:
    """What there is of one mesh; whoever only stands in its namespaces is of it, too."""
    spaces = sorted(home.netns.iterdir()) if home.netns.is_dir() else []
    keys = keys_of(spaces)
    pids = {pid for pid in procfs.pids() if procfs.namespace(pid) in keys}
    pids |= {pid for pid, of in marked.items() if of == home}
    guests = sorted((home.root / "attached").glob("*"))
    return Remains(
        mesh=home.mesh,
        folder=str(home.root) if home.root.exists() else "",
        files=sum(not path.is_dir() for path in home.root.rglob("*")),
        namespaces=[path.name for path in spaces],
        processes={pid: procfs.words(pid) for pid in pids},
        guests={path.name: _census(str(path)) for path in guests},
    )


def _census(path: str) -> Census:
    """What stands in a namespace; nothing where there is none any more."""
    with suppress(OSError, NsmError):
        netns = Netns.open(path)
        try:
            return census(netns)
        finally:
            netns.close()
    return Census(0, frozenset(), {})


def _proven(home: Home, there: Census) -> Iterator[str]:
    """The interfaces that bear the mark of one of a mesh's nodes."""
    keys = [NodeKey(path.read_bytes()) for path in (home.root / "run").glob("*/node.key")]
    for name, link in there.links.items():
        if any(key.read(link.alias) for key in keys):
            yield name


def _locks(base: Path) -> Iterable[str]:
    """Locks that nobody holds: whoever holds one removes it."""
    for path in base.glob(".*.lock"):
        with suppress(OSError), path.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield str(path)


def _sockets() -> Iterable[str]:
    """Folders of programs that were killed: nobody listens there any more."""
    for path in Path(tempfile.gettempdir()).glob(TEMPORARY):
        with socket.socket(socket.AF_UNIX) as channel:
            try:
                channel.connect(os.fsencode(path))
            except ConnectionRefusedError:
                yield str(path.parent)
            except OSError:
                continue
