"""Admission in a world: the user's rules, what the file itself declares, whose word counts. Pure.

What a world file says is its owner's word: who serves what, and who passes on to what, need not be
said again in rules. Rules come between: they may forbid serving, but not make a chain of services
stop where an endpoint asks for the next one.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nsm.world.ground import Home, member
from nsm.world.spec import BuiltIn, Domain, EndpointSpec

PASSING = ("firewall", "passthrough")
FORWARDERS = "forwarder"


@dataclass(frozen=True, slots=True)
class Admission:
    """What the programs of one domain are to know."""

    mesh: str
    domain: Domain
    home: Home

    def settings(self) -> dict[str, str]:
        """The variables of every program that admits others."""
        said = {"NSM_FORWARDER_IDS": ",".join(self.hops)}
        if self.domain.policy is not None:
            said["NSM_ADMISSION_RULES"] = ",".join(map(str, self.files()))
        return said

    def files(self) -> Mapping[Path, str | Path]:
        """Files of rules in their order: their text, or the file of the user's they stand for."""
        if self.domain.policy is None:
            return {}
        said = (written(self.chains()), self.domain.policy, written(self.services()))
        return dict(zip(paths(self.home, self.domain.name), said, strict=True))

    def chains(self) -> list[dict[str, object]]:
        """Endpoints that pass on may ask for what they pass on to."""
        return [
            allowing("use", f"{spec.name}-passes-on", self.ids(spec), onward(spec))
            for spec in self.domain.endpoints
            if spec.wants or (isinstance(spec.run, BuiltIn) and spec.run.kind in PASSING)
        ]

    def services(self) -> list[dict[str, object]]:
        """Endpoints may serve what they serve, nodes forward, and the world describe services."""
        registrar = [member(self.domain.name, self.mesh, "registry")]
        own = [
            allowing("register", "world-registers", registrar, ["*"]),
            allowing("serve", "nodes-forward", self.hops, [FORWARDERS]),
        ]
        serving = [
            allowing("serve", f"{spec.name}-serves", self.ids(spec), spec.serves)
            for spec in self.domain.endpoints
        ]
        return [*own, *serving]

    @property
    def hops(self) -> list[str]:
        """The ids of the domain's nodes."""
        nodes = self.domain.nodes
        return [member(self.domain.name, self.mesh, f"manager-{node}") for node in nodes]

    def ids(self, spec: EndpointSpec) -> list[str]:
        """The ids of an endpoint's replicas."""
        return [member(self.domain.name, self.mesh, name) for name in spec.copies]


def paths(home: Home, domain: str) -> tuple[Path, Path, Path]:
    """Where the rules of a domain are kept, in their order; those in the middle are the user's."""
    return home.declared(domain, "chains"), home.rules(domain), home.declared(domain, "services")


def onward(spec: EndpointSpec) -> list[str]:
    """The services an endpoint passes on to: what it wants, or its own."""
    if spec.wants is None:
        return list(spec.serves)
    wanted = spec.wants
    return [f"{wanted.service}@{wanted.domain}" if wanted.domain else wanted.service]


def allowing(do: str, name: str, who: Sequence[str], services: Sequence[str]) -> dict[str, object]:
    """A rule, as it is written."""
    return {"name": name, "allow": do, "who": [*who], "service": [*services]}


def written(rules: list[dict[str, Any]]) -> str:
    """A file of rules; JSON is YAML."""
    return json.dumps({"rules": [rule for rule in rules if rule["who"]]}, indent=1)
