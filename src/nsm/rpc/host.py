"""Whoever listens: connections welcomed with bounds, kept, and let go of in peace."""

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence

from nsm.errors import NsmError
from nsm.rpc.aging import Aging, Side
from nsm.rpc.http2 import Http2
from nsm.rpc.incoming import Calls, Methods
from nsm.rpc.listening import Listener
from nsm.rpc.plug import Plug
from nsm.rpc.target import Target
from nsm.rpc.tls import Session
from nsm.rpc.transport import SocketTransport
from nsm.sdk.clock import Alarm, Clock

log = logging.getLogger(__name__)

MOST_GUESTS = 16384
MOST_KNOCKING = 256
"""Peers that may be proving who they are at the same time."""
KNOCK = 1.0
"""Seconds each of them surely has for it, also when all the places are taken."""
PARTING = 1.0
"""Seconds a connection has to end after its last call was cancelled."""


class Guest(Http2):
    """One connection that was accepted."""

    def __init__(
        self, sock: socket.socket, session: Session, methods: Methods, clock: Clock
    ) -> None:
        self.calls = Calls(methods, clock)
        super().__init__(self.calls, client=False)
        self.gone = asyncio.Event()
        self.since = clock.ticks()
        self.settled: Callable[[Guest, Exception | None], None] = lambda *_: None
        self.departed: Callable[[Guest], None] = lambda _: None
        self.transport = SocketTransport(Plug(sock), session, self, clock, self._settled)
        self._clock = clock
        self._aging: Aging | None = None

    def part(self) -> None:
        """Take no more calls; those that run may end, streams end now."""
        if not self.transport.is_open:
            self.transport.abort()
            return
        self.connection.leave()
        self.calls.leave()
        self.processor.maybe_end()

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        self.depart()

    def depart(self) -> None:
        """The connection is no more, or never was."""
        if self._aging is not None:
            self._aging.cancel()
        self.gone.set()
        self.departed(self)

    def _settled(self, _: SocketTransport, error: Exception | None) -> None:
        self.settled(self, error)
        if error is not None:
            self.depart()
            return
        self._aging = Aging(self._clock, self.transport.session.until, Side.ACCEPTED)
        self._aging.begin(self._retire, self.part, self.transport.abort)

    def _retire(self) -> None:
        self.connection.leave()
        self.processor.maybe_end()


class Host:
    """Listens on any number of addresses; `arrive` makes a guest of each accepted socket."""

    def __init__(self, arrive: Callable[[socket.socket], Guest], clock: Clock) -> None:
        self._arrive = arrive
        self._clock = clock
        self._listeners: list[Listener] = []
        self._guests: set[Guest] = set()
        self._knocking: dict[Guest, None] = {}
        self._shedding: Alarm | None = None

    def __len__(self) -> int:
        return len(self._guests)

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where we listen; a port that was 0 is the one we were given."""
        return tuple(listener.address for listener in self._listeners)

    def listen(self, targets: Sequence[Target], mode: int) -> None:
        """Listen on all of them or, when one fails, on none."""
        try:
            for target in targets:
                self._listeners.append(Listener(target, self._welcome, self._clock, mode))
        except BaseException:
            self._hush()
            raise

    async def close(self, grace: float) -> None:
        """Listen no more, let calls end for `grace` seconds, then cancel them, then hang up."""
        self._hush()
        for guest in list(self._guests):
            guest.part()
        if await self._all_gone(grace):
            return
        for guest in self._guests:
            guest.calls.hurry()
        if not await self._all_gone(PARTING):
            for guest in list(self._guests):
                guest.transport.abort()
            await self._all_gone(PARTING)

    def _hush(self) -> None:
        if self._shedding is not None:
            self._shedding.cancel()
        for listener in self._listeners:
            listener.close()

    async def _all_gone(self, within: float) -> bool:
        try:
            async with asyncio.timeout(within):
                while self._guests:
                    await next(iter(self._guests)).gone.wait()
        except TimeoutError:
            return False
        return True

    def _welcome(self, sock: socket.socket) -> None:
        if len(self._guests) >= MOST_GUESTS:
            sock.close()
            return
        try:
            guest = self._arrive(sock)
        except (NsmError, OSError) as error:
            log.warning("a connection could not be taken: %s", error)
            sock.close()
            return
        guest.settled, guest.departed = self._settled, self._guests.discard
        self._guests.add(guest)
        self._knocking[guest] = None
        guest.transport.start()
        if len(self._knocking) >= MOST_KNOCKING and self._shedding is None:
            for listener in self._listeners:
                listener.pause()
            self._shedding = self._clock.after(KNOCK, self._shed)

    def _settled(self, guest: Guest, error: Exception | None) -> None:
        self._knocking.pop(guest, None)
        if error is not None:
            log.info("a connection was refused: %s", error)
        if self._shedding is not None and len(self._knocking) < MOST_KNOCKING // 2:
            self._shedding.cancel()
            self._resume()

    def _shed(self) -> None:
        late = self._clock.ticks() - KNOCK
        for guest in [guest for guest in self._knocking if guest.since <= late]:
            guest.transport.abort()
        self._resume()

    def _resume(self) -> None:
        self._shedding = None
        for listener in self._listeners:
            listener.resume()
