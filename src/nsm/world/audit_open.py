"""What programs have open that nobody needs: files, sockets, namespaces. Pure."""

from collections.abc import Iterator

from nsm.program.inventory import Inventory
from nsm.world.audit import Found, Leftover, Process, good_until, inside
from nsm.world.claims import Claims, Part

KIND = "descriptor"


def left_open(claims: Claims, found: Found) -> Iterator[Leftover]:
    """Process by process; of those that do not say what they hold, only what is gone."""
    parts = {part.pid: part for part in claims.parts}
    for process in found.processes:
        part = parts.get(process.pid)
        who = part.who if part else str(process.pid)
        inventory = found.inventories.get(who)
        yield from _gone(claims, found, process, (who, inventory))
        if part and inventory:
            yield from _idle(claims, process, part, inventory)
            yield from _on_top(who, inventory)


def _gone(
    claims: Claims, found: Found, process: Process, of: tuple[str, Inventory | None]
) -> Iterator[Leftover]:
    """Files and namespaces that are no more for anyone else."""
    who, inventory = of
    living = {*claims.namespaces.values(), *found.elsewhere}
    ends = good_until(inventory) if inventory else {}
    built = inventory.built if inventory else []
    for inode in sorted(set(process.namespaces) - living):
        until = max((ends.get(b.connection, 0.0) for b in built if b.netns == inode), default=0)
        yield inside(who, KIND, f"namespace {inode}, which is gone", until=until)
    for file in process.deleted:
        yield inside(who, KIND, f"{file}, which is gone")


def _idle(claims: Claims, process: Process, part: Part, inventory: Inventory) -> Iterator[Leftover]:
    """Living namespaces of those whom the program does not serve any more."""
    served = {hop.name for conn in inventory.connections for hop in conn.path}
    needed = {claims.namespaces.get(one.namespace, 0) for one in claims.parts if one.name in served}
    needed |= {claims.namespaces.get(part.namespace, 0)} | {b.netns for b in inventory.built}
    for name, inode in claims.namespaces.items():
        if inode in process.namespaces and inode not in needed:
            what = f"the namespace of {name}, to which no connection leads"
            yield inside(part.who, KIND, what)


def _on_top(who: str, inventory: Inventory) -> Iterator[Leftover]:
    """What was not open when the program was ready, and is nobody's of those it serves."""
    if inventory.sockets:
        yield inside(who, KIND, f"{inventory.sockets} sockets that nobody keeps")
    for file in inventory.files:
        if not file.endswith(" (deleted)"):
            yield inside(who, KIND, f"{file}, which was not open when it was ready")
