"""Let nobody in whom the policies do not allow."""

from nsm.identity import evidence
from nsm.identity.policies import Policies
from nsm.sdk import Call, Clock, Connection, Element, Handler, Request, Slot, Token


class Authorize(Element):
    """Judge whoever asks from outside this process by the path that led here (W §2.1).

    A close that this process fires itself comes with the call, and so the very token, of the
    request it undoes. That was judged then; judged again, when tokens of a dead client's path have
    expired, nothing would ever be cleaned up.
    """

    def __init__(self, policies: Policies, clock: Clock) -> None:
        self.policies = policies
        self.clock = clock
        self.judged: Slot[Token] = Slot()

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        await self.check(call, request.connection)
        conn = await next.request(call, request)
        if call.begun and call.token:
            self.judged.put(call, call.token)
        return conn

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        if not (call.begun and call.token and self.judged.get(call) is call.token):
            await self.check(call, conn)
        await next.close(call, conn)

    async def check(self, call: Call, conn: Connection) -> None:
        """Raise Denied, naming the policy and this hop."""
        if call.peer is None:
            return
        path = conn.hops
        here = path.segments[path.index].name if path.index < len(path.segments) else ""
        await self.policies.judge(evidence.of_asker(path, call.peer, self.clock.now()), here)
