"""Accept a VXLAN tunnel that ends here."""

from contextlib import suppress
from itertools import count

from nsm.api.mechanism import DST_IP, DST_PORT, SRC_IP, VNI, VXLAN, Mechanism
from nsm.api.mtu import clamped
from nsm.api.vni import vni
from nsm.dataplane.driver import VniTaken
from nsm.dataplane.ledger import Tag
from nsm.dataplane.vnis import Vnis
from nsm.elements.mechanism.vxlan import PORT, agree_mtu, check_peer, mtu_of, vni_of
from nsm.nouns import replace
from nsm.sdk import Call, Connection, Element, Handler, Request, Slot
from nsm.sdk.chance import bits

CHOICES = 4
"""VNIs tried before giving up; what else on this host uses VXLAN we only learn from the kernel."""


class AcceptVxlan(Element):
    """Say where the tunnel ends and under which VNI, the same for as long as the connection lives.

    `vnis` is shared by all who accept tunnels on this node; `mtu` is as for `OfferVxlan`. A tunnel
    that is to stand instead of another has a VNI of its own: for a while there are both.
    """

    def __init__(self, dst_ip: str, vnis: Vnis, mtu: int = 0, port: int = PORT) -> None:
        self.dst_ip = dst_ip
        self.vnis = vnis
        self.mtu = mtu
        self.ours = {DST_IP: dst_ip, DST_PORT: str(port)}
        self.holder = Slot[str]()
        self.others = count(1)

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        asked = request.connection
        if not asked.mechanism or asked.mechanism.type != VXLAN:
            return await next.request(call, request)
        check_peer(asked.mechanism.get(SRC_IP), self.dst_ip)
        tunnel = agree_mtu(asked.mechanism.having(**self.ours), self.mtu)
        wanted = vni_of(tunnel)
        if call.life.last is not None:
            return await next.request(call, self._through(call, request, tunnel))
        for _ in range(CHOICES - 1):
            try:
                return await self._first(call, request, next, (tunnel, wanted))
            except VniTaken:
                wanted = 0
        return await self._first(call, request, next, (tunnel, wanted))

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        try:
            await next.close(call, conn)
        finally:
            self.vnis.release(self._holder(call, conn.id))

    async def _first(
        self, call: Call, request: Request, next: Handler, choice: tuple[Mechanism, int]
    ) -> Connection:
        tunnel, wanted = choice
        holder = self._holder(call, request.connection.id)
        found = holder in self.vnis  # its device stands from before we were started
        try:
            return await next.request(call, self._through(call, request, tunnel, wanted))
        except BaseException as error:
            if not found or isinstance(error, VniTaken):
                self.vnis.release(holder)
            raise

    def _through(self, call: Call, request: Request, tunnel: Mechanism, wanted: int = 0) -> Request:
        """The request for a connection through this tunnel, with a VNI and an MTU that fits it."""
        asked, holder = request.connection, self._holder(call, request.connection.id)
        conn = replace(asked, mechanism=tunnel.having(**{VNI: self._vni(holder, tunnel, wanted)}))
        return request.carrying(clamped(conn, mtu_of(tunnel)) if mtu_of(tunnel) else conn)

    def _holder(self, call: Call, id: str) -> str:
        """Under which name a VNI is held: as tags name the connection, so that a restart knows."""
        holder = self.holder.get(call)
        if holder is None:
            holder = Tag.of(id, "").connection
            holder += f" {next(self.others)}" if call.life.instead else ""
            self.holder.put(call, holder)
        return holder

    def _vni(self, connection: str, tunnel: Mechanism, wanted: int) -> str:
        """The one wanted if it is free, else the one the connection has, else a new one."""
        if wanted:
            with suppress(VniTaken):  # it was good on another node, or before somebody else came
                self.vnis.hold(connection, wanted)
        return str(self.vnis.allocate(connection, lambda: vni(tunnel, bits(24))))
