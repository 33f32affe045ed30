"""Take no vWire from anyone whom the policies do not allow."""

from nsm.identity import evidence
from nsm.identity.policies import Policies
from nsm.sdk import (
    Call,
    Clock,
    Connection,
    Element,
    Handler,
    Peer,
    Request,
    Slot,
    closing_on_error,
)


class AuthorizeClient(Element):
    """Judge the next hop by the path it answered with; a first answer refused is undone (W §2.1).

    A close takes nothing from anyone, so it is never held back: that would only leak the vWire.
    """

    def __init__(self, policies: Policies, clock: Clock) -> None:
        self.policies = policies
        self.clock = clock
        self.answerer: Slot[Peer] = Slot()

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        answer = await next.request(call, request)
        peer = evidence.answerer(call)
        if peer is None:
            return answer
        if self.answerer.get(call):
            await self.check(peer, answer)
        else:
            async with closing_on_error(next, call, answer):
                await self.check(peer, answer)
        self.answerer.put(call, peer)
        return answer

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        self.answerer.take(call)
        await next.close(call, conn)

    async def check(self, peer: Peer, conn: Connection) -> None:
        """Raise Denied, naming the policy and the hop that answered."""
        path = conn.hops
        after = path.index + 1
        there = path.segments[after].name if after < len(path.segments) else peer.id
        await self.policies.judge(evidence.of_answerer(path, peer, self.clock.now()), there)
