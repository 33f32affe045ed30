"""What the client tells of its vWires: to its log, and to whoever started it."""

import fcntl
import logging
import socket
import struct
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field

from nsm.api.mechanism import NAME
from nsm.elements.mechanism.metric import CLIENT
from nsm.errors import NsmError
from nsm.nouns import replace
from nsm.sdk import Call, Clock, Connection, Element, Handler, Request

log = logging.getLogger(__name__)

SIOCGIFMTU = 0x8921
CONNECTING, UP, HEALING, DOWN = "connecting", "up", "healing", "down"


@dataclass(frozen=True, slots=True)
class Healed:
    """The last time a vWire broke: what was noticed, when, and when it stood again (epoch)."""

    noticed: str
    noticed_at: float
    carried_at: float | None = None
    ms: float | None = None


@dataclass(slots=True)
class Wire:
    """One vWire as a person sees it."""

    id: str
    url: str
    service: str
    state: str = CONNECTING
    began: float | None = None
    connect_ms: float | None = None
    heals: int = 0
    conn: Connection = field(default_factory=Connection)
    error: dict[str, str] | None = None
    healed: Healed | None = None

    def story(self) -> dict[str, object]:
        """The fields of a connection in `nsm status -o json`."""
        mechanism, ip, segments = self.conn.mechanism, self.conn.ip, self.conn.hops.segments
        interface = mechanism.get(NAME) if mechanism else ""
        return {
            "id": self.id,
            "url": self.url,
            "service": self.service,
            "endpoint": self.conn.endpoint or None,
            "interface": interface or None,
            "mechanism": mechanism.type if mechanism else None,
            "remote_mechanism": remote(self.conn),
            "src": list(ip.src_ip_addrs),
            "dst": list(ip.dst_ip_addrs),
            "mtu": mtu_of(interface) if interface else None,
            "path": [segment.name for segment in segments],
            "state": self.state,
            "connect_ms": self.connect_ms,
            "heals": self.heals,
            "error": self.error,
            "healed": self.healed and asdict(self.healed),
        }


class ReportConnections(Element):
    """Follow every vWire through connecting, healing and closing, and `tell` each change."""

    def __init__(
        self, wires: Mapping[str, Wire], tell: Callable[[dict[str, object]], None], clock: Clock
    ) -> None:
        self.wires = wires
        self.tell = tell
        self.clock = clock
        self.closing = False

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        wire = self.wires[request.connection.id]
        if wire.began is None:
            wire.began = self.clock.ticks()
            self.tell(wire.story())
        try:
            conn = await next.request(call, request)
        except Exception as error:
            self._failed(wire, error)
            raise
        self._stands(wire, conn)
        return conn

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        wire = self.wires[conn.id]
        wire.state = DOWN if self.closing else HEALING
        self.tell(wire.story())
        await next.close(call, conn)

    def noticed(self, id: str, why: str) -> None:
        """A vWire may no longer be as it was; what it takes to mend it is measured from here."""
        if wire := self.wires.get(id):
            wire.healed = Healed(why, round(self.clock.now(), 3))
            self.tell(wire.story())

    def _stands(self, wire: Wire, conn: Connection) -> None:
        if wire.connect_ms is None and wire.began is not None:
            wire.connect_ms = round((self.clock.ticks() - wire.began) * 1000, 2)
            log.info("%s is up after %.1f ms", wire.id, wire.connect_ms)
        if wire.state == HEALING or wire.conn.endpoint not in ("", conn.endpoint):
            wire.heals += 1
            log.info("%s is up again, by %s", wire.id, conn.endpoint)
        if wire.healed and wire.healed.carried_at is None:
            now = self.clock.now()
            took = round((now - wire.healed.noticed_at) * 1000, 1)
            wire.healed = replace(wire.healed, carried_at=round(now, 3), ms=took)
        wire.state, wire.conn, wire.error = UP, conn, None
        self.tell(wire.story())

    def _failed(self, wire: Wire, error: Exception) -> None:
        wire.state = CONNECTING if wire.connect_ms is None else HEALING
        wire.error = told(error)
        self.tell(wire.story())


def told(error: Exception) -> dict[str, str]:
    """A failure as people and programs read it."""
    if isinstance(error, NsmError):
        fix = error.fix or "nsm logs shows more"
        return {"code": error.status, "cause": error.cause, "hop": error.hop, "fix": fix}
    return {"code": "UNKNOWN", "cause": str(error), "hop": "", "fix": "nsm logs shows more"}


def remote(conn: Connection) -> str | None:
    """The mechanism between two nodes, as forwarders name it in metrics; None on one node.

    What lies behind the endpoint, where that passes on, is another vWire.
    """
    for segment in conn.hops.segments:
        if segment.name == conn.endpoint:
            return None
        kind = segment.metrics.get(CLIENT, "").partition("/")[0]
        if kind and conn.mechanism and kind != conn.mechanism.type:
            return kind
    return None


def mtu_of(interface: str) -> int | None:
    """The MTU of an interface in this namespace; None where it is not there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        ask = struct.pack("16sI12x", interface.encode()[:15], 0)
        try:
            answer = fcntl.ioctl(any_socket, SIOCGIFMTU, ask)
        except OSError:
            return None
    return int(struct.unpack("16sI12x", answer)[1])
