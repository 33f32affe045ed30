"""What a world is made of: namespaces, programs, identities, services; as values."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nsm.api.registration import NetworkService
from nsm.world.ground import Address
from nsm.world.programs import Launch
from nsm.world.spec import Want

UNDERLAY = "underlay@"
"""The bridge's own namespace; no name in a file can have an @ in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace:
    """A network namespace: a node (it has a number), a pod (it has a node), or the mesh's own.

    What has an address is plugged into the bridge, or, being a pod, into its node.
    """

    name: str
    address: Address | None = None
    number: int = 0
    node: str = ""

    @property
    def is_node(self) -> bool:
        """Whether pods stand behind it."""
        return self.number > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A program in a namespace; `who` names it on the command line, `name` on the wire.

    It is started when everything in `after` is ready, and when `behind` is or has had some time.
    """

    who: str
    name: str
    kind: str
    namespace: str
    launch: Launch
    environ: Mapping[str, str]
    after: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()
    restart: str = "always"
    """always; on-failure; never."""
    repeats: bool = False
    """Done once for each life of what it comes after."""
    folder: Path = Path("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointPlan:
    """What status says of an endpoint before it runs."""

    name: str
    domain: str
    node: str
    services: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadPlan:
    """What status says of a workload before it runs."""

    name: str
    domain: str
    node: str
    wants: tuple[Want, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainPlan:
    """A domain: where its registry is, which nodes it has, who is who, what is served."""

    name: str
    nodes: tuple[str, ...]
    registry: str
    identities: Mapping[str, str]
    """SPIFFE ids by namespace."""
    services: tuple[NetworkService, ...]
    rules: Mapping[Path, str | Path]
    """Files of admission rules: their text, or the file of the user's that they stand for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All of it, in the order it is made."""

    mesh: str
    domains: tuple[DomainPlan, ...]
    namespaces: tuple[Namespace, ...]
    processes: tuple[Process, ...]
    endpoints: tuple[EndpointPlan, ...]
    workloads: tuple[WorkloadPlan, ...]
