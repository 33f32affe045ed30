"""What a seed says: a mesh, and what goes wrong with it. Pure data, to be printed and shrunk."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from nsm.nouns import replace

SERVICES = ("db", "web")
CHAINED = "gate"
"""What a passthrough serves."""
BEGUN = 8.0
"""Seconds before the first fault; the first requests are under way by then."""
LASTS = 30.0
"""Seconds within which faults begin."""
HASTE = 6
"""How many times sooner the tokens of one who is hasty end than everybody else's: so many that who
asks again by its own, after a fifth of their time, comes too late."""


@dataclass(frozen=True, slots=True)
class Node:
    """A host with a manager and a forwarder, in one process or `split` into two."""

    name: str
    split: bool = False

    @property
    def programs(self) -> tuple[str, ...]:
        """What runs there for the mesh."""
        if self.split:
            return (f"manager-{self.name}", f"forwarder-{self.name}")
        return (f"node-{self.name}",)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Who serves a service on a node, with addresses from one prefix, and `ruled` with a rule.

    One that leads `onward` gives no addresses: it passes on to another service.
    """

    name: str
    node: str
    service: str
    prefix: str = ""
    ruled: bool = False
    onward: str = ""


@dataclass(frozen=True, slots=True)
class Client:
    """Who wishes for services on a node: one vWire each; one that is `blind` sends no pings."""

    name: str
    node: str
    services: tuple[str, ...]
    blind: bool = False


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong `at` a time, with `whom`, for `lasting` seconds; see `faults`."""

    at: float
    kind: str
    whom: str
    lasting: float = 0.0
    amount: float = 0.0

    def __str__(self) -> str:
        extra = f" by {self.amount:.3g}" if self.amount else ""
        until = f" for {self.lasting:.1f} s" if self.lasting else ""
        return f"{self.at:5.1f} s  {self.kind} {self.whom}{extra}{until}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A mesh and its faults; `lifetime` is how many seconds tokens are good for.

    Those of `hasty` last a sixth as long. One that `rests` stands for a while when all has settled.
    """

    seed: int
    nodes: tuple[Node, ...]
    endpoints: tuple[Endpoint, ...]
    clients: tuple[Client, ...]
    faults: tuple[Fault, ...] = ()
    theme: str = "anything"
    lifetime: float = 600.0
    hasty: str = ""
    stored: bool = False
    rests: bool = False

    def lifetime_of(self, name: str) -> float:
        """How long the tokens of a program are good for."""
        return self.lifetime / HASTE if name and name == self.hasty else self.lifetime

    @property
    def shortest(self) -> float:
        """How many seconds the tokens last that end first."""
        return self.lifetime_of(self.hasty)

    def leads(self, service: str) -> str:
        """Which service a wish for this one ends at."""
        for endpoint in self.endpoints:
            if endpoint.service == service and endpoint.onward:
                return endpoint.onward
        return service

    @property
    def blind(self) -> set[str]:
        """Clients that send no pings."""
        return {client.name for client in self.clients if client.blind}

    @property
    def calm_at(self) -> float:
        """When the last fault is over."""
        return max((fault.at + fault.lasting for fault in self.faults), default=BEGUN)

    def __str__(self) -> str:
        disk = "with a disk" if self.stored else "in memory"
        hasty = f" ({self.hasty}: {self.shortest:.0f} s)" if self.hasty else ""
        lines = [f"seed {self.seed}: registry {disk}, tokens last {self.lifetime:.0f} s{hasty}"]
        for node in self.nodes:
            here = [
                *node.programs,
                *(f"{e.name} ({_offer(e)})" for e in self.endpoints_at(node)),
                *(f"{c.name} wants {_wish(c)}" for c in self.clients_at(node)),
            ]
            lines.append(f"  {node.name}: {', '.join(here)}")
        return "\n".join([*lines, *(f"  {fault}" for fault in self.faults)])

    def endpoints_at(self, node: Node) -> list[Endpoint]:
        """Those of a node."""
        return [one for one in self.endpoints if one.node == node.name]

    def clients_at(self, node: Node) -> list[Client]:
        """Those of a node."""
        return [one for one in self.clients if one.node == node.name]


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything there is."""

    nodes: int
    endpoints: int
    clients: int
    faults: int


SIZES = {"small": Size(2, 3, 8, 6), "large": Size(6, 8, 40, 12)}
RESTS = 0.3
"""How many stories rest, of those whose tokens do not outlast them by far."""


def _offer(endpoint: Endpoint) -> str:
    if endpoint.onward:
        return f"{endpoint.service}, on to {endpoint.onward}"
    return f"{endpoint.service}, {endpoint.prefix}{', with a rule' if endpoint.ruled else ''}"


def _wish(client: Client) -> str:
    return f"{' and '.join(client.services)}{', blindly' if client.blind else ''}"


def told(seed: int, size: str = "small") -> Story:
    """The story of a seed."""
    chance, most = Random(f"story {seed}"), SIZES[size]
    nodes = tuple(Node(f"n{i + 1}", chance.random() < 0.5) for i in range(most.nodes))
    endpoints = tuple(_endpoints(chance, nodes, most.endpoints))
    if chance.random() < 0.3:
        onward = chance.choice(endpoints).service
        endpoints += (Endpoint("p1", chance.choice(nodes).name, CHAINED, onward=onward),)
    served = sorted({one.service for one in endpoints})
    clients = tuple(_clients(chance, nodes, served, most.clients))
    theme = chance.choice(("anything", "anything", "anything", "deaths", "mishaps"))
    lifetime = 600.0 if theme == "deaths" else chance.choice((60.0, 60.0, 120.0, 600.0))
    programs = [*(one.name for one in endpoints), *(one.name for one in clients)]
    programs += [name for node in nodes for name in node.programs]
    hasty = chance.choice(programs) if chance.random() < 0.2 else ""
    story = Story(
        seed=seed,
        nodes=nodes,
        endpoints=endpoints,
        clients=clients,
        theme=theme,
        lifetime=lifetime,
        hasty=hasty,
        stored=chance.random() < 0.5,
        rests=lifetime < 600 and chance.random() < RESTS,
    )
    faults = sorted(_faults(chance, story, chance.randint(0, most.faults)), key=lambda f: f.at)
    return replace(story, faults=tuple(faults))


def _endpoints(chance: Random, nodes: tuple[Node, ...], count: int) -> Iterator[Endpoint]:
    for number in range(count):
        service = SERVICES[number % len(SERVICES)] if number < len(SERVICES) else None
        length = chance.choice((24, 24, 24, 29, 30))
        yield Endpoint(
            f"e{number + 1}",
            chance.choice(nodes).name,
            service or chance.choice(SERVICES),
            f"172.16.{number + 1}.0/{length}",
            ruled=chance.random() < 0.2,
        )


def _clients(
    chance: Random, nodes: tuple[Node, ...], served: list[str], count: int
) -> Iterator[Client]:
    for number in range(chance.randint(1, count)):
        several = chance.random() < 0.2
        services = tuple(served) if several else (chance.choice(served),)
        blind = chance.random() < 0.15
        yield Client(f"c{number + 1}", chance.choice(nodes).name, services, blind)


PROGRAM_FAULTS = ("kill", "kill", "kill", "stop", "lose", "reset", "cancel")
HOST_FAULTS = ("slow", "cut", "cut", "cut off", "break", "skew", "reboot")
WORKLOAD_FAULTS = ("remove", "remove", "tear", "leave")
THEMES = {
    "anything": (*PROGRAM_FAULTS, *HOST_FAULTS, *WORKLOAD_FAULTS),
    "deaths": ("kill", "kill", "kill", "kill", "lose", "reset", "cancel", "slow", "skew"),
    "mishaps": ("break", "break", "tear", "skew"),
}
"""What may go wrong. Of programs that die no vWire is to notice anything; and where none dies, and
every message arrives, nothing is to be left that nobody wants."""
MOMENTS = ("reset", "cancel", "tear", "leave")
AMOUNTS = {"lose": (0.1, 0.3, 1.0), "break": (0.05, 0.3, 1.0), "slow": (0.05, 0.5, 2.0)}
"""How large a share of messages or changes is lost, and how many seconds the rest takes longer."""


def _faults(chance: Random, story: Story, count: int) -> Iterator[Fault]:
    programs = ["registry", *(name for node in story.nodes for name in node.programs)]
    clients = [one.name for one in story.clients]
    seeing = [one.name for one in story.clients if not one.blind]
    workloads = [*(one.name for one in story.endpoints), *clients]
    hosts = [node.name for node in story.nodes]
    for _ in range(count):
        at, lasting = BEGUN + chance.random() * LASTS, chance.choice((0.5, 2.0, 5.0, 12.0, 25.0))
        lasting *= 0.5 + chance.random()
        kind = chance.choice(THEMES[story.theme])
        whom = chance.choice((*programs, *workloads))
        if kind == "tear" and not seeing:
            kind = "break"  # who sends no pings would not notice
        if kind == "tear":
            whom = chance.choice(seeing)
        elif kind in WORKLOAD_FAULTS:
            whom = chance.choice(workloads)
        elif kind in HOST_FAULTS:
            whom = chance.choice(hosts)
        yield _fault(chance, Fault(round(at, 3), kind, whom, round(lasting, 3)), [*hosts, "hub"])


def _fault(chance: Random, fault: Fault, hosts: list[str]) -> Fault:
    if fault.kind == "cut":
        other = chance.choice([host for host in hosts if host != fault.whom])
        return replace(fault, whom=f"{fault.whom}{chance.choice('><||')}{other}")
    if fault.kind == "skew":
        return replace(fault, amount=round(chance.uniform(-10, 10), 3))
    if fault.kind in AMOUNTS:
        return replace(fault, amount=chance.choice(AMOUNTS[fault.kind]))
    return replace(fault, lasting=0.0) if fault.kind in MOMENTS else fault
