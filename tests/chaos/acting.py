"""How each fault is begun, and how everything is restored after it."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path

from nsm.world.plan import UNDERLAY

from .schedule import CLOCK, CRASH, CUT, DISK, GONE, HELD, STOP, STORM, TERM, Fault, programs
from .world import World

FAKETIME = "libfaketime.so.1"
SETTLING = 1.0
"""Seconds a program that is started by hand has before more is asked of it."""
DISK_SIZE = "512k"
UPLINK = "underlay"


def happening(fault: Fault, world: World) -> AbstractContextManager[None]:
    """The fault is there while the block runs, and everything is restored when it ends."""
    return ACTS[fault.kind](fault, world)


def crash(fault: Fault, world: World) -> AbstractContextManager[None]:
    """Its supervisor restores it."""
    world.send(fault.whom, signal.SIGKILL)
    return nullcontext()


def storm(fault: Fault, world: World) -> AbstractContextManager[None]:
    """All that no packet passes through, as fast as may be."""
    status = world.status()["processes"]
    pids = {one["name"]: one["pid"] for one in status}
    for name, role in programs(world.drawn).items():
        if role != "endpoint" and (pid := pids.get(world.who(name))):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    return nullcontext()


@contextmanager
def held(fault: Fault, world: World) -> Iterator[None]:
    """As `nsm kill` and `nsm restart` do."""
    world.ask("kill", who=world.who(fault.whom), gone=fault.kind == GONE)
    try:
        yield
    finally:
        world.ask("restart", who=world.who(fault.whom))


@contextmanager
def term(fault: Fault, world: World) -> Iterator[None]:
    """What ended as it should is started again by nobody but us."""
    world.send(fault.whom, signal.SIGTERM)
    try:
        yield
    finally:
        if not world.pid(fault.whom):
            world.ask("restart", who=world.who(fault.whom))


@contextmanager
def stop(fault: Fault, world: World) -> Iterator[None]:
    """Stopped as by a debugger, then let go on."""
    pid = world.send(fault.whom, signal.SIGSTOP)
    try:
        yield
    finally:
        if pid and pid == world.pid(fault.whom):
            world.send(fault.whom, signal.SIGCONT)


@contextmanager
def cut(fault: Fault, world: World) -> Iterator[None]:
    """The node's cable is pulled, or a rule of the kernel's drops what it sends or gets."""
    if fault.how == "link":
        where, name = UNDERLAY, port(fault.whom, world)
        begin, end = (f"ip link set {name} {state}".split() for state in ("down", "up"))
        rules = None
    else:
        where, rules = fault.whom, dropping(fault.how)
        begin, end = ["nft", "-f", "-"], ["nft", "delete", "table", "netdev", "chaos"]
    world.within(where, *begin, fed=rules)
    try:
        yield
    finally:
        world.within(where, *end)


def port(node: str, world: World) -> str:
    """The bridge's end of a node's cable."""
    [own] = json.loads(world.within(node, "ip", "-j", "link", "show", UPLINK))
    there = json.loads(world.within(UNDERLAY, "ip", "-j", "link"))
    return str(next(one["ifname"] for one in there if one["ifindex"] == own["link_index"]))


def dropping(how: str) -> str:
    """Rules that drop all that comes in or goes out by the node's cable, ARP as well."""
    hooks = {"in": ["ingress"], "out": ["egress"], "both": ["ingress", "egress"]}[how]
    chains = "".join(
        f"chain {hook} {{ type filter hook {hook} device {UPLINK} priority 0; policy drop; }}\n"
        for hook in hooks
    )
    return f"table netdev chaos {{\n{chains}}}\n"


@contextmanager
def clock(fault: Fault, world: World) -> Iterator[None]:
    """Its wall clock is wrong, and somebody asks for a vWire meanwhile."""
    library = next(Path("/usr/lib").glob(f"*/faketime/{FAKETIME}"))
    wrong = {
        "LD_PRELOAD": str(library),
        "FAKETIME": fault.how.replace(" ", ""),
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    with world.instead(fault.whom, **wrong):
        time.sleep(SETTLING)
        asking = next(name for name in world.drawn.workloads if name != fault.whom)
        world.send(asking, signal.SIGKILL)
        yield


@contextmanager
def disk(fault: Fault, world: World) -> Iterator[None]:
    """The registry keeps a store on a disk of its own; while it is full, an endpoint registers."""
    place = world.folder / "disk"
    place.mkdir(exist_ok=True)
    run("mount", "-t", "tmpfs", "-o", f"size={DISK_SIZE}", "chaos", str(place))
    try:
        with world.instead("registry", NSM_STORE=str(place / "store")):
            time.sleep(SETTLING)
            fill(place / "filler")
            world.send(next(iter(world.drawn.endpoints)), signal.SIGKILL)
            yield
            (place / "filler").unlink()
            time.sleep(SETTLING)
    finally:
        run("umount", str(place))


def fill(file: Path) -> None:
    """Leave no byte."""
    with file.open("wb", buffering=0) as opened, suppress(OSError):
        while opened.write(bytes(4096)):
            pass


def run(*words: str) -> None:
    """A command that must go well."""
    subprocess.run(words, check=True)


ACTS: dict[str, Callable[[Fault, World], AbstractContextManager[None]]] = {
    CRASH: crash,
    HELD: held,
    GONE: held,
    TERM: term,
    STOP: stop,
    CUT: cut,
    DISK: disk,
    CLOCK: clock,
    STORM: storm,
}
