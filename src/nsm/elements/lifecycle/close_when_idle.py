"""Leave when nobody needs us any more."""

from collections.abc import Callable

from nsm.errors import Unreachable
from nsm.sdk import Alarm, Call, Clock, Connection, Element, Handler, Request, Slot


class CloseWhenIdle(Element):
    """Say so after so many seconds without any connection, and take none from then on; 0: never."""

    def __init__(self, seconds: float, idle: Callable[[], None], clock: Clock) -> None:
        self.seconds = seconds
        self.idle = idle
        self.clock = clock
        self.counted = Slot[bool]()
        self.connections = 0
        self.left = False
        self.alarm: Alarm | None = None

    def start(self) -> None:
        """Nobody is here yet: the time runs."""
        if self.seconds > 0 and not self.connections and not self.alarm:
            self.alarm = self.clock.after(self.seconds, self._leave)

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        if self.left:
            raise Unreachable("idle for so long that it is leaving", fix="select another endpoint")
        known = self.counted.get(call)
        if not known:
            self._enter(call)
        try:
            return await next.request(call, request)
        except BaseException:
            if not known:
                self._exit(call)
            raise

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        try:
            await next.close(call, conn)
        finally:
            self._exit(call)

    def _enter(self, call: Call) -> None:
        self.counted.put(call, True)
        self.connections += 1
        if self.alarm:
            self.alarm.cancel()
            self.alarm = None

    def _exit(self, call: Call) -> None:
        if self.counted.take(call):
            self.connections -= 1
            self.start()

    def _leave(self) -> None:
        self.left = True
        self.idle()
