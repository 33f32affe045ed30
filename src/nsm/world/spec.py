"""What a world file says, once it has been found right."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nsm.api.registration import NetworkService


@dataclass(frozen=True, slots=True)
class Want:
    """A vWire asked for by NS-URL; `text` is the URL as written, the rest is what it means."""

    text: str
    service: str
    domain: str = ""
    interface: str = ""


@dataclass(frozen=True, slots=True)
class NameService:
    """Name service that comes with an endpoint's vWires; a server may be `self`."""

    servers: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    records: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """An endpoint that comes with the mesh, by its kind."""

    kind: str


@dataclass(frozen=True, slots=True)
class PythonFile:
    """An endpoint of the user's, as a Python file."""

    path: Path


@dataclass(frozen=True, slots=True)
class Command:
    """A program of the user's, as its argument vector."""

    argv: tuple[str, ...]


Program = BuiltIn | PythonFile | Command


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSpec:
    """Something that serves network services; `groups` holds one address group per `cidr` item."""

    name: str
    node: str
    serves: tuple[str, ...]
    run: Program
    groups: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    dns: tuple[NameService, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    wants: Want | None = None
    restart: bool = True
    replicas: int = 1

    @property
    def copies(self) -> tuple[str, ...]:
        """The names its replicas run under."""
        return copies(self.name, self.replicas)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadSpec:
    """Something that wants vWires."""

    name: str
    node: str
    wants: tuple[Want, ...]
    run: tuple[str, ...] = ()
    replicas: int = 1
    dns: bool = True

    @property
    def copies(self) -> tuple[str, ...]:
        """The names its replicas run under."""
        return copies(self.name, self.replicas)


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """Nodes that share a registry and an authority, and what stands on them."""

    name: str
    nodes: tuple[str, ...]
    services: tuple[NetworkService, ...] = ()
    endpoints: tuple[EndpointSpec, ...] = ()
    workloads: tuple[WorkloadSpec, ...] = ()
    policy: str | Path | None = None
    """Admission rules: their text, or the file that holds them."""

    def occupied(self) -> Iterator[str]:
        """Every name that something of this domain runs under."""
        yield from self.nodes
        for kind in (self.endpoints, self.workloads):
            for one in kind:
                yield from one.copies


@dataclass(frozen=True, slots=True, kw_only=True)
class Mesh:
    """A whole world file; `several` says that it was written with `domains:`."""

    name: str
    domains: tuple[Domain, ...]
    several: bool = False


def copies(name: str, replicas: int) -> tuple[str, ...]:
    """`gateway`, or `gateway-1`, `gateway-2` … when there is more than one."""
    if replicas == 1:
        return (name,)
    return tuple(f"{name}-{number}" for number in range(1, replicas + 1))
