"""Go on with a vWire from before we were started, or with another where that is over."""

from nsm.elements.lifecycle import Liveness
from nsm.elements.lifecycle.heal import anew, elsewhere
from nsm.elements.lifecycle.patience import Patience
from nsm.errors import NsmError
from nsm.sdk import Call, Clock, Connection, Element, Handler, Request


class GoOn(Element):
    """Ask for what stood as it is; where that fails, for what `Heal` would once it was given.

    What carries is kept, unless another endpoint may serve it; what does not is selected anew.
    Inside of what tries again.
    """

    def __init__(self, clock: Clock, liveness: Liveness | None) -> None:
        self.clock = clock
        self.liveness = liveness
        self.failing: dict[str, Patience] = {}

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        stood = request.connection
        if not stood.endpoint:
            return await next.request(call, request)
        try:
            conn = await next.request(call, request.carrying(await self._remedied(stood)))
        except NsmError as error:
            patience = self.failing.setdefault(stood.id, Patience(self.clock))
            patience.failed(error, stood)
            raise
        self.failing.pop(stood.id, None)
        return conn

    async def _remedied(self, stood: Connection) -> Connection:
        patience = self.failing.get(stood.id)
        if patience is None:
            return stood
        liveness = self.liveness
        if liveness is None:
            return anew(stood) if patience.is_over else stood
        if not await liveness.says(liveness.alive, stood):
            return anew(stood)
        another = liveness.elsewhere
        if patience.is_over and another and await liveness.says(another, stood):
            return elsewhere(stood)
        return stood
