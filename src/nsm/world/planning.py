"""From a world file to a plan: who stands where, under which address, with which settings. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, count
from pathlib import Path

from nsm.api.registration import NetworkService
from nsm.nouns import replace
from nsm.world import endpoints
from nsm.world.admission import Admission
from nsm.world.ground import (
    MARKER,
    UNDERLAY4,
    UNDERLAY6,
    Home,
    bridge_address,
    member,
    pod_address,
)
from nsm.world.plan import (
    UNDERLAY,
    DomainPlan,
    EndpointPlan,
    Namespace,
    Plan,
    Process,
    WorkloadPlan,
)
from nsm.world.programs import OurProgram, UserProgram
from nsm.world.spec import Domain, EndpointSpec, Mesh, WorkloadSpec

MANAGER_PORT, REGISTRY_PORT = 5001, 5002


def plan(mesh: Mesh, home: Home, folder: Path, environ: Mapping[str, str]) -> Plan:
    """What `mesh` comes to under `home`; commands run in `folder` with `environ` and ours."""
    places = count(1)
    drafts = [Draft(mesh.name, domain, home, folder, environ, places) for domain in mesh.domains]
    for draft in drafts:
        draft.draw()
    return Plan(
        mesh=mesh.name,
        domains=tuple(draft.domain_plan() for draft in drafts),
        namespaces=(Namespace(name=UNDERLAY), *chain(*(draft.namespaces for draft in drafts))),
        processes=tuple(chain(*(draft.processes for draft in drafts))),
        endpoints=tuple(chain(*(draft.endpoints for draft in drafts))),
        workloads=tuple(chain(*(draft.workloads for draft in drafts))),
    )


def excluded_prefixes() -> str:
    """The file of prefixes that no vWire may use, as managers read it."""
    return f'prefixes: ["{UNDERLAY4}", "{UNDERLAY6}"]\n'


@dataclass
class Draft:
    """The plan of one domain while it is drawn."""

    mesh: str
    domain: Domain
    home: Home
    folder: Path
    environ: Mapping[str, str]
    places: Iterator[int]
    namespaces: list[Namespace] = field(default_factory=list)
    processes: list[Process] = field(default_factory=list)
    endpoints: list[EndpointPlan] = field(default_factory=list)
    workloads: list[WorkloadPlan] = field(default_factory=list)
    identities: dict[str, str] = field(default_factory=dict)
    seats: dict[str, tuple[int, Iterator[int]]] = field(default_factory=dict)
    registry: str = ""

    def draw(self) -> None:
        """Everything of the domain, in the order it is started."""
        self.authority()
        self.registrar()
        for node in self.domain.nodes:
            self.node(node)
        for endpoint in self.domain.endpoints:
            for name in endpoint.copies:
                self.endpoint(name, endpoint)
        for workload in self.domain.workloads:
            for name in workload.copies:
                self.workload(name, workload)

    def domain_plan(self) -> DomainPlan:
        """What is known of the domain as a whole."""
        return DomainPlan(
            name=self.domain.name,
            nodes=self.domain.nodes,
            registry=self.registry,
            identities=self.identities,
            services=tuple(self.services().values()),
            rules=self.admission.files(),
        )

    def services(self) -> dict[str, NetworkService]:
        """The services of the file, and those that are only served: payload IP, no matches."""
        found = {service.name: service for service in self.domain.services}
        for endpoint in self.domain.endpoints:
            for name in endpoint.serves:
                found.setdefault(name, NetworkService(name, "IP"))
        return found

    def authority(self) -> None:
        """The identity authority: asked by unix socket, its namespace reaches nothing."""
        who = f"identity@{self.domain.name}"
        self.namespaces.append(Namespace(name=who))
        environ = {
            "NSM_TRUST_DOMAIN": self.domain.name,
            "NSM_LISTEN_ON": self.workload_api,
            "NSM_ENTRIES": str(self.home.entries(self.domain.name)),
            "NSM_STATE_DIR": str(self.home.folder(who)),
        }
        self.add(
            Process(
                who=who,
                name="identity",
                kind="identity",
                namespace=who,
                launch=OurProgram("identity"),
                environ=environ,
            )
        )

    def registrar(self) -> None:
        """The registry, and the one who registers the file's services in it."""
        who = f"registry@{self.domain.name}"
        address = bridge_address(next(self.places))
        self.registry = f"tcp://{address.v4.ip}:{REGISTRY_PORT}"
        self.namespaces.append(Namespace(name=who, address=address))
        self.identify(who, "registry")
        self.add(
            Process(
                who=who,
                name="registry",
                kind="registry",
                namespace=who,
                launch=OurProgram("registry"),
                environ={"NSM_LISTEN_ON": self.registry, **self.admission.settings()},
                after=(f"identity@{self.domain.name}",),
            )
        )
        self.add(
            Process(
                who=f"services@{self.domain.name}",
                name="services",
                kind="services",
                namespace=who,
                launch=OurProgram("services", (str(self.home.services(self.domain.name)),)),
                environ={"NSM_REGISTRY_URL": self.registry},
                after=(who,),
                restart="on-failure",
                repeats=True,
            )
        )

    def node(self, node: str) -> None:
        """A node: its manager and its forwarder, in one process."""
        number = next(self.places)
        address = bridge_address(number)
        self.namespaces.append(Namespace(name=node, address=address, number=number))
        self.seats[node] = number, count(1)
        self.identify(node, f"manager-{node}")
        environ = {
            "NSM_FORWARDER_NAME": f"forwarder-{node}",
            "NSM_LISTEN_ON": f"{self.manager(node)},tcp://{address.v4.ip}:{MANAGER_PORT}",
            "NSM_REGISTRY_URL": self.registry,
            "NSM_EXCLUDED_PREFIXES": str(self.home.excluded),
            "NSM_TUNNEL_IP": str(address.v4.ip),
            "NSM_STATE_DIR": str(self.home.folder(f"node@{node}")),
            **self.admission.settings(),
            **self.place(node, node),
        }
        self.add(
            Process(
                who=f"node@{node}",
                name=f"manager-{node}",
                kind="node",
                namespace=node,
                launch=OurProgram("node"),
                environ=environ,
                after=(f"registry@{self.domain.name}",),
            )
        )

    def endpoint(self, name: str, spec: EndpointSpec) -> None:
        """One endpoint, in a namespace of its own on its node."""
        self.pod(name, spec.node)
        domain, services = self.domain.name, spec.serves
        planned = EndpointPlan(name=name, domain=domain, node=spec.node, services=services)
        environ = {
            "NSM_CONNECT_TO": self.manager(spec.node),
            "NSM_LISTEN_ON": f"unix://{self.home.folder(name)}/listen.on",
            "NSM_STATE_DIR": str(self.home.folder(name)),
            **self.admission.settings(),
            **self.place(spec.node, name),
            **endpoints.settings(spec, self.services()),
        }
        self.endpoints.append(planned)
        self.add(
            Process(
                who=name,
                name=name,
                kind="endpoint",
                namespace=name,
                launch=endpoints.launch(spec.run),
                environ=environ,
                after=(f"node@{spec.node}", f"services@{domain}"),
                restart="on-failure" if spec.restart else "never",
            )
        )

    def workload(self, name: str, spec: WorkloadSpec) -> None:
        """One workload: the client that keeps its vWires, and what the file runs in it."""
        self.pod(name, spec.node)
        planned = WorkloadPlan(name=name, domain=self.domain.name, node=spec.node, wants=spec.wants)
        self.workloads.append(planned)
        self.add(self.client(planned))
        if spec.run:
            self.add(
                Process(
                    who=f"{name}/run",
                    name=name,
                    kind="run",
                    namespace=name,
                    launch=UserProgram(spec.run),
                    environ={},
                    after=(name,),
                    restart="on-failure",
                )
            )

    def client(self, planned: WorkloadPlan) -> Process:
        """The client of a workload, without what every process has."""
        environ = {
            "NSM_CONNECT_TO": self.manager(planned.node),
            "NSM_NETWORK_SERVICES": ",".join(want.text for want in planned.wants),
            "NSM_STATE_DIR": str(self.home.folder(planned.name)),
            **self.place(planned.node, planned.name),
        }
        return Process(
            who=planned.name,
            name=planned.name,
            kind="client",
            namespace=planned.name,
            launch=OurProgram("client"),
            environ=environ,
            after=(f"node@{planned.node}",),
            behind=tuple(endpoint.name for endpoint in self.endpoints),
        )

    def add(self, process: Process) -> None:
        """Keep a process, with the environment and the folder every process has."""
        self.processes.append(self.dressed(process))

    def dressed(self, process: Process) -> Process:
        """A process with what every process of the mesh has."""
        common = {
            **self.environ,
            "NSM_NAME": process.name,
            "NSM_MESH": self.mesh,
            MARKER: str(self.home.root),
            "NSM_STATUS_SOCKET": str(self.home.reports),
            "NSM_INVENTORY_SOCKET": str(self.home.inventory(process.who)),
            "SPIFFE_ENDPOINT_SOCKET": self.workload_api,
        }
        return replace(process, environ={**common, **process.environ}, folder=self.folder)

    def pod(self, name: str, node: str) -> None:
        """A namespace that is plugged into a node."""
        number, seats = self.seats[node]
        address = pod_address(number, next(seats))
        self.namespaces.append(Namespace(name=name, address=address, node=node))
        self.identify(name, name)

    def place(self, node: str, pod: str) -> dict[str, str]:
        """Where something runs, in the words that label templates know."""
        return {"NODE_NAME": node, "POD_NAME": pod, "CLUSTER_NAME": self.domain.name}

    def identify(self, namespace: str, name: str) -> None:
        """Whoever runs in `namespace` is `name`."""
        self.identities[namespace] = member(self.domain.name, self.mesh, name)

    @property
    def admission(self) -> Admission:
        """Who may do what in the domain."""
        return Admission(self.mesh, self.domain, self.home)

    @property
    def workload_api(self) -> str:
        """Where the domain's programs get their identity."""
        return f"unix://{self.home.folder('identity@' + self.domain.name)}/agent.sock"

    def manager(self, node: str) -> str:
        """Where a node's manager serves those on the node."""
        return f"unix://{self.home.folder('node@' + node)}/nsm.io.sock"
