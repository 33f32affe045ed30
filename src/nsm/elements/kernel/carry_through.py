"""Let packets through from one vWire of ours to the next."""

from ipaddress import ip_interface

from nsm.api.mechanism import NAME, Mechanism
from nsm.dataplane.carrier import Carrier
from nsm.dataplane.forward import Joint, Port
from nsm.dataplane.netns import Netns
from nsm.dataplane.rules import Rules
from nsm.sdk import Call, Connection, Element, Handler, Request, Slot, closing_on_error


class CarryThrough(Element):
    """Join the interface towards the client to the one towards whoever comes after us.

    On the way back, the mechanism in the answer is the one towards the client; `onward` has the
    other. The client's interface appears only after our answer, and is joined when it does.
    """

    def __init__(
        self, carrier: Carrier, netns: Netns, onward: Slot[Mechanism], rules: Rules
    ) -> None:
        self.carrier = carrier
        self.netns = netns
        self.onward = onward
        self.rules = rules
        # By id and not in the life: what stands in the kernel outlives a close that failed.
        self.joined: dict[str, Joint] = {}

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        conn = await next.request(call, request)
        if conn.id in self.joined:
            await self._join(call, conn)
            return conn
        async with closing_on_error(next, call, conn):
            await self._join(call, conn)
        return conn

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        try:
            if joint := self.joined.get(conn.id):
                await self.carrier.drop(joint)
                del self.joined[conn.id]
        finally:
            await next.close(call, conn)

    async def _join(self, call: Call, conn: Connection) -> None:
        joint = self._joint(conn, self.onward.get(call))
        before = self.joined.get(conn.id)
        if before == joint:
            return
        if before and before.table != joint.table:
            await self.carrier.drop(before)
        await self.carrier.keep(joint, self.rules)
        self.joined[conn.id] = joint

    def _joint(self, conn: Connection, onward: Mechanism | None) -> Joint:
        near = conn.mechanism.get(NAME) if conn.mechanism else ""
        far = onward.get(NAME) if onward else ""
        clients = tuple(ip_interface(text).ip for text in conn.ip.src_ip_addrs)
        endpoints = tuple(ip_interface(text).ip for text in conn.ip.dst_ip_addrs)
        return Joint(self.netns, Port(near, clients), Port(far, endpoints))
