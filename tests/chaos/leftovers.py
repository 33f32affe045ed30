"""Interfaces that belong to no vWire, or vWires without one: what the kernel has against status.

A hop that was dead or cut off when a vWire was given up hears of no close. Its end of it is
collected when its recorded expiry has passed, and until then it is said and no promise is broken.
"""

import json
import re
import time
from collections.abc import Iterator

from nsm.world.audit import Leftover
from nsm.world.auditing import audit

from .world import World

OURS = re.compile(r"lo|eth0|underlay|bridge|pod\d+|port\d+")
"""What interfaces of the world itself are called."""
WITHIN = 15.0
"""Seconds what was given up may take to go."""


def left_over(world: World) -> list[str]:
    """What is too much or too little, once it has had its time."""
    until = time.monotonic() + WITHIN
    while (found := list(differences(world))) and time.monotonic() < until:
        time.sleep(0.2)
    return found


def waiting(world: World) -> list[str]:
    """Ends at endpoints that outlive their vWires until their expiry."""
    return [
        f"{name}: {len(there) - wanted} of {len(there)} interfaces wait for their expiry"
        for name, there, wanted in at_endpoints(world)
        if len(there) > wanted
    ]


def audited(world: World) -> tuple[list[str], list[str]]:
    """What `nsm audit` finds left over, once it has had its time, and what waits for its end."""
    left, later = audit(world.home, WITHIN)
    return [said(one) for one in left], [said(one) for one in later]


def said(one: Leftover) -> str:
    """A line for people."""
    return f"{one.kind} {one.what} at {one.where}, of {one.whose}"


def differences(world: World) -> Iterator[str]:
    """Namespace by namespace."""
    status = world.status()
    for one in status["workloads"]:
        wanted = {wire["interface"] for wire in one["connections"]}
        if (there := interfaces(world, one["name"])) != wanted:
            yield f"{one['name']} has {sorted(there)}, and wants {sorted(wanted)}"
    for name, there, least in at_endpoints(world):
        if len(there) < least:
            yield f"{name} has {sorted(there)}, and {least} belong there"
    for node in world.drawn.nodes:
        if there := interfaces(world, node):
            yield f"{node} has {sorted(there)}"


def at_endpoints(world: World) -> Iterator[tuple[str, set[str], int]]:
    """Each endpoint, the interfaces it has, and how many its vWires come to."""
    for one in world.status()["endpoints"]:
        ends = 2 if passes(world, one["name"]) else 1
        yield one["name"], interfaces(world, one["name"]), one["connections"] * ends


def passes(world: World, endpoint: str) -> bool:
    """Whether each of its vWires has another behind it."""
    return world.drawn.endpoints[endpoint]["run"] == "firewall"


def interfaces(world: World, who: str) -> set[str]:
    """The interfaces in somebody's namespace, but the world's own."""
    links = json.loads(world.within(who, "ip", "-j", "link"))
    return {one["ifname"] for one in links if not OURS.fullmatch(one["ifname"])}
