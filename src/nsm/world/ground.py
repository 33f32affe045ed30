"""The ground a world stands on: its addresses, and where it lives on the host."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv4Network, IPv6Interface, IPv6Network
from pathlib import Path

from nsm.errors import Invalid

UNDERLAY4 = IPv4Network("100.64.0.0/10")
"""Shared address space (RFC 6598): the underlay and the workloads' default interfaces."""
UNDERLAY6 = IPv6Network("fd6b:92d4:1c37::/48")
"""The same for IPv6: one unique local prefix (RFC 4193), drawn once."""

BRIDGE4 = IPv4Network("100.64.0.0/16")
BRIDGE6 = IPv6Network("fd6b:92d4:1c37::/64")
"""The bridge that registries and nodes are plugged into."""
PODS4 = IPv4Network("100.96.0.0/11")
"""Default interfaces of workloads and endpoints: a /18 a node; a /64 a node for IPv6."""

MAX_NODES, MAX_PODS = 100, 4000
"""Bounds of one world: above what one host carries, below what the address plan does."""
MARKER = "NSM_WORLD"
"""The variable that marks every process of a mesh: it holds the mesh's folder."""
MESH = re.compile(r"[a-z0-9][a-z0-9-]{0,23}")
"""What a mesh may be called."""
BASE = Path("/run/nsm")
"""Where the meshes of root live; a folder each."""


@dataclass(frozen=True, slots=True)
class Address:
    """A dual-stack pair, each with the prefix it stands in."""

    v4: IPv4Interface
    v6: IPv6Interface

    def __iter__(self) -> Iterator[IPv4Interface | IPv6Interface]:
        yield self.v4
        yield self.v6


def bridge_address(number: int) -> Address:
    """The `number`-th place (from 1) on the bridge."""
    v4, v6 = BRIDGE4[number], BRIDGE6[number]
    return Address(IPv4Interface((v4, BRIDGE4.prefixlen)), IPv6Interface((v6, BRIDGE6.prefixlen)))


def pod_prefixes(node: int) -> tuple[IPv4Network, IPv6Network]:
    """What the pods of the `node`-th node (from 1) have their addresses of."""
    v4 = int(PODS4.network_address) + (node << 14)
    v6 = int(UNDERLAY6.network_address) + (node << 64)
    return IPv4Network((v4, 18)), IPv6Network((v6, 64))


def pod_address(node: int, number: int) -> Address:
    """The default addresses of the `number`-th pod (from 1) of a node."""
    v4, v6 = pod_prefixes(node)
    return Address(IPv4Interface((v4[number], 32)), IPv6Interface((v6[number], 128)))


def member(domain: str, mesh: str, name: str) -> str:
    """The SPIFFE id of a program."""
    return f"spiffe://{domain}/ns/{mesh}/{name}"


@dataclass(frozen=True, slots=True)
class Home:
    """Where a mesh keeps what it needs on the host; all of it goes with the mesh."""

    mesh: str
    base: Path

    def __post_init__(self) -> None:
        """What is taken down is removed as a folder: a name that is none must lead to no folder."""
        if not MESH.fullmatch(self.mesh):
            fix = "use at most 24 of a-z, 0-9 and hyphens; `nsm list` shows what is up"
            raise Invalid(f"{self.mesh[:60]!r} is no name of a mesh", fix=fix)

    @property
    def root(self) -> Path:
        """The one folder that holds everything."""
        return self.base / self.mesh

    @property
    def netns(self) -> Path:
        """The folder of bind-mounted network namespaces."""
        return self.root / "netns"

    @property
    def logs(self) -> Path:
        """The folder of logs."""
        return self.root / "logs"

    @property
    def control(self) -> Path:
        """The socket the supervisor is asked on."""
        return self.root / "control.sock"

    @property
    def reports(self) -> Path:
        """The socket programs report to."""
        return self.root / "status.sock"

    @property
    def state(self) -> Path:
        """What runs, in case the supervisor no longer does."""
        return self.root / "state.json"

    @property
    def excluded(self) -> Path:
        """The domain's excluded prefixes, as managers read them."""
        return self.root / "excluded_prefixes.yaml"

    def services(self, domain: str) -> Path:
        """The services to register, as the domain's registrar reads them."""
        return self.root / f"services@{domain}.json"

    def entries(self, domain: str) -> Path:
        """Who stands in which namespace, as the domain's authority reads it."""
        return self.root / f"identities@{domain}.json"

    def rules(self, domain: str) -> Path:
        """The admission rules of a domain, as its programs read them."""
        return self.root / f"rules@{domain}.yaml"

    def declared(self, domain: str, what: str) -> Path:
        """Rules that the world file implies."""
        return self.root / f"{what}@{domain}.yaml"

    def namespace(self, name: str) -> Path:
        """The namespace file of `name`."""
        return self.netns / name

    def guest(self, name: str) -> Path:
        """The file of a namespace that is somebody else's and attached as `name`."""
        return self.root / "attached" / name

    def log(self, name: str) -> Path:
        """The log of `name`; `web/run` becomes a file name of its own."""
        return self.logs / f"{name.replace('/', '.')}.log"

    def etc(self, name: str) -> Path:
        """The folder of files that stand in for those of /etc in `name`."""
        return self.root / "etc" / name

    def inventory(self, name: str) -> Path:
        """The socket on which `name` says what it holds."""
        return self.folder(name) / "holds.sock"

    def folder(self, name: str) -> Path:
        """The folder of what `name` keeps: its sockets, its state."""
        return self.root / "run" / name
