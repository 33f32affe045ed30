"""Offer a VXLAN tunnel that begins here."""

from nsm.api.mechanism import DST_IP, REMOTE, SRC_IP, SRC_PORT, VXLAN, Mechanism
from nsm.api.mtu import clamped
from nsm.elements.mechanism.vxlan import PORT, agree_mtu, check_peer, mtu_of
from nsm.nouns import replace
from nsm.sdk import Call, Connection, Element, Handler, Request, closing_on_error


class OfferVxlan(Element):
    """Say where a tunnel would begin; take the answer if it ends at a host and fits its MTU.

    `mtu` is what passes through a tunnel from here: the underlay's less 50 (IPv4) or 70 bytes.
    """

    def __init__(self, src_ip: str, mtu: int = 0, port: int = PORT) -> None:
        self.src_ip = src_ip
        self.mtu = mtu
        self.ours = {SRC_IP: src_ip, SRC_PORT: str(port)}

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        offers = request.preferences
        if not any(offer.type == VXLAN for offer in offers):
            offers = (*offers, Mechanism(REMOTE, VXLAN))
        filled = tuple(self._fill(o) if o.type == VXLAN else o for o in offers)
        conn = await next.request(call, replace(request, preferences=filled))
        if not conn.mechanism or conn.mechanism.type != VXLAN:
            return conn
        if call.life.last is not None:
            return self._taken(conn, conn.mechanism)
        async with closing_on_error(next, call, conn):
            return self._taken(conn, conn.mechanism)

    def _fill(self, offer: Mechanism) -> Mechanism:
        return agree_mtu(offer.having(**self.ours), self.mtu)

    def _taken(self, conn: Connection, tunnel: Mechanism) -> Connection:
        check_peer(tunnel.get(DST_IP), self.src_ip)
        agreed = agree_mtu(tunnel, self.mtu)
        taken = replace(conn, mechanism=agreed)
        return clamped(taken, mtu_of(agreed)) if mtu_of(agreed) else taken
