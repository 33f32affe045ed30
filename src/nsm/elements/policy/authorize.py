"""Let nobody in whom the policies do not allow."""

from nsm.identity import evidence
from nsm.identity.policies import Policies
from nsm.sdk import Call, Clock, Connection, Element, Handler, Request


class Authorize(Element):
    """Judge whoever asks from outside this process by the path that led here (W §2.1)."""

    def __init__(self, policies: Policies, clock: Clock) -> None:
        self.policies = policies
        self.clock = clock

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        self.check(call, request.connection)
        return await next.request(call, request)

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        self.check(call, conn)
        await next.close(call, conn)

    def check(self, call: Call, conn: Connection) -> None:
        """Raise Denied, naming the policy and this hop."""
        if call.peer is None:
            return
        path = conn.hops
        here = path.segments[path.index].name if path.index < len(path.segments) else ""
        self.policies.check(evidence.of_asker(path, call.peer, self.clock.now()), here)
