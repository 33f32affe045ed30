"""Build a vWire in the kernel once every hop has agreed to it."""

import logging
import re
from collections.abc import Callable

from nsm.api.mechanism import INODE_URL, KERNEL, NAME, VNI, VXLAN, Mechanism
from nsm.api.paths import granted_until
from nsm.dataplane import plan
from nsm.dataplane.driver import Driver, VniTaken
from nsm.dataplane.ledger import Tag
from nsm.dataplane.netns import Netns
from nsm.dataplane.ops import Op
from nsm.dataplane.plan import End, Underlay
from nsm.dataplane.wires import Wires
from nsm.elements.kernel.wiring import wiring
from nsm.nouns import replace
from nsm.sdk import Call, Connection, Element, Handler, Request, Slot, closing_on_error

log = logging.getLogger(__name__)

ASKS = 4
"""How often the other node is asked for a VNI that is free on both."""


class JoinNamespaces(Element):
    """Decide what of the vWire is ours, make it in one go, keep it as agreed, remove it at the end.

    On the way back it sees the mechanism towards the client in the answer, and finds the one
    towards the endpoint in `onward`. `alias` writes the ledger's text for an interface. Where it is
    to stand instead of another, that one carries until this one does; its life keeps the `rest`.
    """

    def __init__(
        self,
        kernel: Driver,
        underlay: Underlay,
        onward: Slot[Mechanism],
        *,
        alias: Callable[[Tag], str] = str,
        namespace: Callable[[str], Netns] = Netns.open,
    ) -> None:
        self.wires = Wires(kernel)
        self.underlay = underlay
        self.onward = onward
        self.alias = alias
        self.namespace = namespace
        self.rest = Slot[tuple[Op, ...]]()

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        near = request.connection.mechanism
        if near and near.type == KERNEL:
            self.namespace(near.get(INODE_URL))  # before anyone further on is bothered
        if call.life.last is not None:
            conn = await next.request(call, request)
            await self._build(call, conn)
            return conn
        for _ in range(ASKS - 1):
            try:
                return await self._first(call, request, next)
            except VniTaken as error:
                if near and near.type == VXLAN:
                    raise  # it was ours to choose: whoever chose it will choose another
                log.info("asking again for %s: %s", request.connection.id, error)
        return await self._first(call, request, next)

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        rest = self.rest.take(call)
        try:
            if rest is None:
                await self.wires.remove(conn.id)
            else:
                await self.wires.leave(conn.id, rest)
        finally:
            await next.close(call, conn)

    async def _first(self, call: Call, request: Request, next: Handler) -> Connection:
        conn = await next.request(call, request)
        async with closing_on_error(next, call, conn):
            await self._build(call, conn, known=_went_on(request.connection))
        return conn

    async def _build(self, call: Call, conn: Connection, *, known: bool = False) -> None:
        wanted, stood = self._plan(conn, self.onward.get(call)), call.life.instead
        if stood is None:
            await self.wires.build(conn.id, wanted, known=known)
        else:
            self.rest.put(call.within(stood), await self.wires.replace(conn.id, wanted))

    def _plan(self, conn: Connection, onward: Mechanism | None) -> tuple[Op, ...]:
        ours = wiring(conn.mechanism, onward)
        vni = ours.tunnel.get(VNI) if ours.tunnel else ""
        ends = [self._end(conn, mechanism, role, vni) for role, mechanism in ours.ends]
        if ours.tunnel is None:
            return plan.local(conn, *ends)
        tunnelled = replace(conn, mechanism=ours.tunnel)
        return plan.remote(tunnelled, ours.ends[0][0], ends[0], self.underlay)

    def _end(self, conn: Connection, mechanism: Mechanism, role: str, vni: str) -> End:
        number = int(vni) if re.fullmatch("[0-9]{1,8}", vni) else 0
        tag = Tag.of(conn.id, role, number, granted_until(conn.hops))
        return End(self.namespace(mechanism.get(INODE_URL)), mechanism.get(NAME), self.alias(tag))


def _went_on(asked: Connection) -> bool:
    """Whether somebody in our place has led it on before, and may have built it."""
    path = asked.hops
    return len(path.segments) > path.index + 1
