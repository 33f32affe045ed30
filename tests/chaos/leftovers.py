"""Interfaces that belong to no vWire, or vWires without one: what the kernel has against status."""

import json
import re
import time
from collections.abc import Iterator

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


def differences(world: World) -> Iterator[str]:
    """Namespace by namespace."""
    status = world.status()
    for one in status["workloads"]:
        wanted = {wire["interface"] for wire in one["connections"]}
        if (there := interfaces(world, one["name"])) != wanted:
            yield f"{one['name']} has {sorted(there)}, and wants {sorted(wanted)}"
    for one in status["endpoints"]:
        there = interfaces(world, one["name"])
        wanted_by = one["connections"] * (2 if passes(world, one["name"]) else 1)
        if len(there) != wanted_by:
            yield f"{one['name']} has {sorted(there)}, for {one['connections']} vWires"
    for node in world.drawn.nodes:
        if there := interfaces(world, node):
            yield f"{node} has {sorted(there)}"


def passes(world: World, endpoint: str) -> bool:
    """Whether each of its vWires has another behind it."""
    return world.drawn.endpoints[endpoint]["run"] == "firewall"


def interfaces(world: World, who: str) -> set[str]:
    """The interfaces in somebody's namespace, but the world's own."""
    links = json.loads(world.within(who, "ip", "-j", "link"))
    return {one["ifname"] for one in links if not OURS.fullmatch(one["ifname"])}
