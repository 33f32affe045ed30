"""Keep the mechanism towards the client apart from the one towards the endpoint."""

from nsm.api.mechanism import Mechanism
from nsm.elements.mechanism.metric import CLIENT, with_metric
from nsm.nouns import replace
from nsm.sdk import Call, Connection, Element, Handler, Request, Slot


class TranslateMechanism(Element):
    """Ask onward with what was agreed onward before; show the client what was agreed with it.

    `onward` is where the mechanism towards the endpoint is found by whoever builds the link.
    """

    def __init__(self, onward: Slot[Mechanism]) -> None:
        self.onward = onward

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        asked = request.connection
        outward = replace(asked, mechanism=self.onward.get(call))
        conn = await next.request(call, replace(request, connection=outward, preferences=()))
        if conn.mechanism:
            self.onward.put(call, conn.mechanism)
        told = with_metric(conn, CLIENT, conn.mechanism)
        return replace(told, mechanism=asked.mechanism)

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        onward = self.onward.take(call)
        await next.close(call, replace(conn, mechanism=onward))
