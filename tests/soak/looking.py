"""How much each program of a world has of everything, at one moment."""

import os
from collections.abc import Iterator
from contextlib import suppress

import msgspec
from tests.chaos.world import World

from nsm.program.inventory import Inventory
from nsm.world.auditing import look
from nsm.world.claims import Claims
from nsm.world.procfs import PAGE

from .flat import (
    CONNECTIONS,
    DESCRIPTORS,
    ENTRIES,
    INTERFACES,
    LIVES,
    MEMORY,
    TASKS,
    TIMERS,
    Counts,
    Of,
)

SUPERVISOR, HOST = "supervisor", "host"


def counts(world: World) -> Counts:
    """All of it; of a program that just now is not there, nothing."""
    claims = msgspec.convert(world.ask("claims"), Claims)
    found = look(world.home, claims)
    pids = {part.who: part.pid for part in claims.parts if part.pid}
    counted = dict(pair for who, one in found.inventories.items() for pair in _told(who, one))
    for who, pid in {SUPERVISOR: claims.supervisor, **pids}.items():
        counted.update(_of_process(who, pid))
    for name, census in found.censuses.items():
        counted[name, INTERFACES] = len(census.links)
    counted[HOST, INTERFACES] = len(os.listdir("/sys/class/net"))
    return counted


def _told(who: str, one: Inventory) -> Iterator[tuple[Of, float]]:
    """What a program says of itself; entries are the registry's."""
    yield (who, TASKS), len(one.tasks)
    yield (who, TIMERS), one.timers
    yield (who, LIVES), len(one.lives)
    yield (who, CONNECTIONS), len(one.connections)
    if who.startswith("registry@"):
        yield (who, ENTRIES), len(one.entries)


def _of_process(who: str, pid: int) -> Iterator[tuple[Of, float]]:
    """What the kernel says of it."""
    with suppress(OSError):
        with open(f"/proc/{pid}/statm") as file:
            yield (who, MEMORY), round(int(file.read().split()[1]) * PAGE / 1e6, 2)
        yield (who, DESCRIPTORS), len(os.listdir(f"/proc/{pid}/fd"))
