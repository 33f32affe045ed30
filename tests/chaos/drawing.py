"""The world that a seed decides, as a world file and as who is in it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

SPACINGS = (0.001, 0.002, 0.005, 0.01)
"""Seconds between two echoes of a vWire."""
SERVED, LONELY, SAFE = "served", "lonely", "safe"
"""A service that several serve; one that a single endpoint serves; one that is a chain of two."""


@dataclass(frozen=True)
class Drawn:
    """A world: its nodes, who serves, and who wants what, with where each stands."""

    seed: int
    nodes: tuple[str, ...]
    endpoints: Mapping[str, Mapping[str, object]]
    workloads: Mapping[str, Mapping[str, object]]
    spacing: Mapping[str, float]
    services: Mapping[str, object] = field(default_factory=dict)

    def interfaces(self, workload: str) -> tuple[str, ...]:
        """The names of the vWires of a workload."""
        return tuple(f"nsm-{at}" for at in range(1, len(self.wants(workload)) + 1))

    def wants(self, workload: str) -> list[str]:
        """Its NS-URLs."""
        found = self.workloads[workload]["wants"]
        assert isinstance(found, list)
        return found

    def file(self, sender: str, folder: str, python: str) -> dict[str, object]:
        """The world file: each workload runs a sender that writes to `folder`."""
        workloads = {
            name: {
                **said,
                "run": [
                    *(python, "-I", "-S", sender, f"{folder}/{name}.echoes"),
                    str(self.spacing[name]),
                    *self.interfaces(name),
                ],
            }
            for name, said in self.workloads.items()
        }
        return {
            "nodes": list(self.nodes),
            "services": dict(self.services),
            "endpoints": {name: dict(said) for name, said in self.endpoints.items()},
            "workloads": workloads,
        }


def draw(seed: int) -> Drawn:
    """Two or three nodes; a service with two or three endpoints, one alone, perhaps a chain."""
    chance = Random(f"world {seed}")
    nodes = tuple(f"n-{at}" for at in range(1, chance.choice((2, 2, 3)) + 1))
    endpoints: dict[str, dict[str, object]] = {}
    for at in range(1, chance.choice((2, 2, 3)) + 1):
        endpoints[f"one-{at}"] = responder(SERVED, f"172.16.{at}.0/24", chance.choice(nodes))
    endpoints["only"] = responder(LONELY, "172.17.1.0/24", chance.choice(nodes))
    services: dict[str, object] = {}
    if chain := chance.random() < 0.5:
        services[SAFE] = {"matches": matches()}
        wall = {"serves": SAFE, "run": "firewall", "labels": {"app": "wall"}}
        endpoints["wall"] = {**wall, "node": chance.choice(nodes)}
        end = responder(SAFE, "172.18.1.0/24", chance.choice(nodes))
        endpoints["end"] = {**end, "labels": {"app": "end"}}
    wanted = [SERVED, LONELY, *[SAFE] * chain]
    workloads: dict[str, dict[str, object]] = {}
    for at in range(1, chance.choice((3, 4)) + 1):
        first = SERVED if at == 1 else chance.choice((SERVED, *wanted))
        others = [service for service in wanted if service != first]
        second = [chance.choice(others)] if chance.random() < 0.4 else []
        urls = [f"kernel://{name}/nsm-{no}" for no, name in enumerate((first, *second), 1)]
        workloads[f"web-{at}"] = {"node": chance.choice(nodes), "wants": urls}
    spacing = {name: chance.choice(SPACINGS) for name in workloads}
    return Drawn(seed, nodes, endpoints, workloads, spacing, services)


def responder(serves: str, cidr: str, node: str) -> dict[str, object]:
    """An endpoint that answers echoes."""
    return {"serves": serves, "run": "icmp-responder", "cidr": [cidr], "node": node}


def matches() -> list[dict[str, object]]:
    """Through the wall, and from there to the end."""
    to_end = {"routes": [{"destination_selector": {"app": "end"}}]}
    return [
        {"source_selector": {"app": "wall"}, **to_end},
        {"routes": [{"destination_selector": {"app": "wall"}}]},
    ]
