"""What must hold: at every moment, and once nothing has gone wrong for a while."""

from collections import Counter
from collections.abc import Iterator
from ipaddress import ip_network

from nsm.api.connection import Connection
from nsm.api.context import IpContext
from nsm.api.mechanism import NAME
from nsm.components.client.report import UP, Wire
from nsm.dataplane.fake import FakeKernel
from nsm.dataplane.fake_link import FakeLink
from nsm.dataplane.plan.side import CLIENT, side
from nsm.dataplane.rtnl import RT_TABLE_MAIN
from nsm.elements.context import AssignPointToPoint
from nsm.sim.inside import inside
from nsm.sim.kernel import address
from nsm.sim.leaks import forgotten
from nsm.sim.mesh import Mesh
from nsm.sim.network import Listener
from nsm.sim.quiet import Continuity

LOOK = 0.5
"""Seconds between two looks."""
BLIND = 20.0
"""Seconds a client may take a vWire for up that carries nothing: two looks of its own (0.5 s and
the 1 s each may take), and one request under way, which has 15 s to be answered."""
UNSEEN = 60.0
"""The same for one that sends no pings: a way that is cut is given up by the system (20 s), and
whoever hears of that, at each hop in turn, has up to a request to find out what it means."""
OFTEN = 300
"""Questions within half a second that no program has."""
SHARED = 20.0
"""Seconds two clients may have one address: an endpoint that comes back without memory gives it to
the next, until the one it had given it to before asks again."""
ENDLESS = 45.0
"""Seconds a call may be served: its caller's time (15 s), and an undo of as long, and a breath."""


class Watch:
    """Looks at a mesh again and again, and keeps what was wrong."""

    def __init__(self, mesh: Mesh) -> None:
        self.mesh = mesh
        self.wrong: dict[str, float] = {}
        self.continuity = Continuity(mesh)
        self.pools: dict[object, list[AssignPointToPoint]] = {}
        self.formed: dict[str, tuple[Connection, tuple[str, ...]]] = {}
        self.compared: dict[str, tuple[int, Connection | None, tuple[str, ...]]] = {}
        self.prefixes = {
            one.name: ip_network(one.prefix) for one in mesh.story.endpoints if one.prefix
        }
        self.blind = mesh.story.blind

    def look(self, now: float) -> None:
        """Once; what lasts no longer than it may is no problem."""
        seen: dict[str, float] = {}
        for problem, allowed in self._problems(now):
            since = seen[problem] = self.wrong.get(problem, now)
            if now - since >= allowed:
                self.mesh.complain(problem)
        self.wrong = seen
        self.continuity.look()

    def disagreeing(self) -> Iterator[str]:
        """What stands otherwise than its client has heard, which it may for a while."""
        for client, wire in self.mesh.wires():
            if wire.state == UP:
                yield from self._in_kernel(client, wire)

    def _problems(self, now: float) -> Iterator[tuple[str, float]]:
        yield from self._connections()
        yield from self._addresses()
        yield from self._calls(now)
        yield from self._haste()
        if self.mesh.story.theme == "mishaps":  # nobody dies, and nothing that is said gets lost
            yield from ((one, 0.0) for one in forgotten(self.mesh))

    def _connections(self) -> Iterator[tuple[str, float]]:
        for client, wire in self.mesh.wires():
            if wire.state == UP:
                for wrong in self._ill_formed(wire.conn):
                    yield f"{wire.id}: {wrong}", 0.0
                if self.mesh.carries(client, wire.conn):
                    self.continuity.note(client, wire.conn)
                elif not noticed(wire):
                    yield f"{wire.id} is up and carries nothing", self._unseen(client)
                yield from ((one, BLIND) for one in self._in_kernel(client, wire))

    def _ill_formed(self, conn: Connection) -> tuple[str, ...]:
        """What is wrong with it; one that was looked at before is as it was."""
        seen, wrong = self.formed.get(conn.id, (None, ()))
        if seen is not conn:
            wrong = (*ill_formed(conn), *self._foreign(conn))
            self.formed[conn.id] = conn, wrong
        return wrong

    def _foreign(self, conn: Connection) -> Iterator[str]:
        """Addresses that the endpoint at its end does not give."""
        end = conn.hops.segments[-1].name if conn.hops.segments else ""
        for text in conn.ip.src_ip_addrs if end in self.prefixes else ():
            if address(text) not in self.prefixes[end]:
                yield f"it has {text}, which {end} does not give"

    def _unseen(self, client: str) -> float:
        return UNSEEN if client in self.blind else BLIND

    def _in_kernel(self, client: str, wire: Wire) -> tuple[str, ...]:
        """What stands there and is not agreed; while neither has changed it is as it was."""
        kernel, conn = self.mesh.hosts[self.mesh.roles[client].host].kernel, wire.conn
        changes, seen, wrong = self.compared.get(wire.id, (-1, None, ()))
        if changes != kernel.changes or seen is not conn:
            link = self.mesh.link(client, conn.mechanism.get(NAME)) if conn.mechanism else None
            wrong = tuple(_differences(wire.id, conn.ip, kernel, link)) if link else ()
            self.compared[wire.id] = kernel.changes, conn, wrong
        return wrong

    def _addresses(self) -> Iterator[tuple[str, float]]:
        had = Counter(
            (wire.conn.hops.segments[-1].name, text)
            for _, wire in self.mesh.wires()
            if wire.state == UP
            for text in wire.conn.ip.src_ip_addrs
        )
        for (endpoint, text), count in had.items():
            if count > 1:
                yield f"{count} clients have {text} of {endpoint}", SHARED
        for endpoint, pool in pools(self.mesh, self.pools):
            pairs = list(pool.held.values())
            if len(set(pairs)) < len(pairs):
                yield f"{endpoint} gave one address twice", 0.0

    def _calls(self, now: float) -> Iterator[tuple[str, float]]:
        for wire in self.mesh.network.wires:
            calls = wire.calls
            for number, (since, path) in calls.since.items() if calls else ():
                if calls and number not in calls.streaming and now - since > ENDLESS:
                    who = wire.listener.process.name
                    yield f"{who} serves {path} of {wire.caller.name} for ever", 0.0

    def _haste(self) -> Iterator[tuple[str, float]]:
        """Whoever asks so often does not wait between two tries."""
        asked = self.mesh.network.asked
        for who, times in asked.items():
            if times > OFTEN:
                yield f"{who} asks {times} times within {LOOK} s", 0.0
        asked.clear()


def _differences(id: str, ip: IpContext, kernel: FakeKernel, link: FakeLink) -> Iterator[str]:
    """What an interface of a client has that was not agreed on, and what it lacks."""
    if {str(a) for a in link.addresses} != set(ip.src_ip_addrs):
        has = ", ".join(str(address) for address in link.addresses) or "no address"
        yield f"{id} has {has} and not {ip.src_ip_addrs}"
    led = {
        prefix
        for (netns, table, prefix), (into, _) in kernel.routes.items()
        if (netns, into) == (link.end.netns, link.end.name) and table == RT_TABLE_MAIN
    }
    for prefix in led.difference(way.prefix for way in side(ip, CLIENT).routes):
        yield f"{id} leads {prefix} into its vWire, for which nobody asked"


def noticed(wire: Wire) -> bool:
    """Whether its client knows that it may be broken, and has not mended it yet."""
    return wire.healed is not None and wire.healed.carried_at is None


def ill_formed(conn: Connection) -> Iterator[str]:
    """What is wrong with a client's view of a connection that is up."""
    path = conn.hops
    ids = [segment.id for segment in path.segments]
    names = [segment.name for segment in path.segments]
    if path.index != 0 or not ids or ids[0] != conn.id:
        yield f"its path is another's: {ids}"
    if len(set(ids)) < len(ids) or not all(ids):
        yield f"ids twice or none in its path: {ids}"
    at = names.index(conn.endpoint) + 1 if conn.endpoint in names else 0
    parts = [part for part in (names[:at], names[at:]) if part]
    if any(len(set(part)) < len(part) or len(part) not in (4, 6) for part in parts):
        yield f"its path to {conn.endpoint} is no way: {names}"
    if not conn.ip.src_ip_addrs or not conn.ip.dst_ip_addrs:
        yield "it has no addresses"


def pools(
    mesh: Mesh, known: dict[object, list[AssignPointToPoint]]
) -> Iterator[tuple[str, AssignPointToPoint]]:
    """The pools of every endpoint that lives; `known` are those found before.

    Each is walked through once, when it serves: a passthrough has none, however often it is asked.
    """
    for spec in mesh.story.endpoints:
        if running := mesh.running.get(spec.name):
            serving = [one.methods for one in listeners(mesh, spec.name)]
            if serving and running.process not in known:
                known[running.process] = inside(AssignPointToPoint, *serving)
            for pool in known.get(running.process, ()):
                yield spec.name, pool


def listeners(mesh: Mesh, name: str) -> Iterator[Listener]:
    """Where a program listens."""
    for listener in mesh.network.listeners.values():
        if listener.process.name == name:
            yield listener


def unsettled(mesh: Mesh, known: dict[object, list[AssignPointToPoint]]) -> Iterator[str]:
    """Every wish that is not met, though it could be."""
    room = {name for name, pool in pools(mesh, known) if has_room(pool)}
    for client, wire in mesh.wires():
        if wire.state == UP and mesh.carries(client, wire.conn):
            continue
        service = mesh.story.leads(wire.service)
        serving = [one for one in mesh.story.endpoints if one.name not in mesh.gone]
        reached = service == wire.service or any(one.service == wire.service for one in serving)
        if reached and any(one.service == service and one.name in room for one in serving):
            yield f"{wire.id} is {wire.state}, and could be had: {_why(wire)}"
    for name in [name for name in mesh.wanted if name not in mesh.running]:
        yield f"{name} does not run"


def has_room(pool: AssignPointToPoint) -> bool:
    """Whether one more pair of addresses can be had."""
    return pool.pool.left >= 2


def _why(wire: Wire) -> str:
    error = wire.error
    return f"{error['code']} {error['cause']}" if error else "no error"
