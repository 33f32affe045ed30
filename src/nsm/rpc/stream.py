"""One call's stream, and what the streams of one connection share.

grpclib 0.4.9 is pinned exactly because this file overrides parts of it.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, cast

from grpclib.config import Configuration
from grpclib.protocol import Connection, Stream
from grpclib.utils import Wrapper
from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError, TooManyStreamsError
from hyperframe.frame import GoAwayFrame

from nsm.errors import NsmError, Unreachable
from nsm.rpc.engine import WINDOW, Engine
from nsm.rpc.hoard import SHARED
from nsm.rpc.inbox import Inbox
from nsm.rpc.transport import SocketTransport

Headers = list[tuple[str, str]]


class NeverSent(Unreachable):
    """The peer has certainly not looked at this call: it may be tried again elsewhere."""


class Register(Protocol):
    """Whoever must hear of a new stream, and answers with how to let go of it."""

    def register(self, stream: Stream) -> Callable[[], None]:
        """Events of `stream` are its own from now on."""
        ...


class RpcStream(Stream):
    """One call's stream; whoever waits on it hears why it failed."""

    connection: "RpcConnection"
    buffer: Inbox
    failure: NsmError | None = None
    spoke = False
    """Whether headers have left on it."""

    def init_stream(self, stream_id: int, connection: Connection) -> None:
        super().init_stream(stream_id, connection)
        self.buffer = Inbox(stream_id, cast("RpcConnection", connection))

    async def open(self, events: Register, headers: Headers) -> Callable[[], None]:
        """Become the connection's next stream; to be released by what is returned."""
        engine = self.connection.engine
        while True:
            await self.connection.writable()
            if not self.connection.usable:
                raise NeverSent("the connection takes no new calls")
            number = engine.get_next_available_stream_id()
            try:
                engine.say(number, headers)
            except TooManyStreamsError:
                self.connection.stream_close_waiter.clear()
                await self.connection.stream_close_waiter.wait()
            except ProtocolError as error:
                raise NeverSent("the connection takes no new calls") from error
            else:
                self.init_stream(number, self.connection)
                return events.register(self)

    async def recv_headers(self) -> Headers:
        await self.headers_received.wait()
        if self.headers is None:
            raise self.failure or Unreachable("the stream ended without headers")
        return self.headers

    async def recv_trailers(self) -> Headers:
        await self.trailers_received.wait()
        if self.trailers is None:
            raise self.failure or Unreachable("the stream ended without trailers")
        return self.trailers

    async def send_headers(self, headers: Headers, end_stream: bool = False) -> None:
        await self.connection.writable()
        self._check()
        try:
            self.connection.engine.say(self.number, headers, end_stream)
            self.spoke = True
        except ProtocolError as error:
            raise Unreachable("the stream is closed") from error
        self.connection.flush()

    async def send_data(self, data: bytes, end_stream: bool = False) -> None:
        left = memoryview(data)
        while left:
            await self.connection.writable()
            self._check()
            try:
                sent = self.connection.engine.put(self.number, left, end_stream)
            except ProtocolError as error:
                raise Unreachable("the stream is closed") from error
            if sent:
                self.connection.flush()
                left = left[sent:]
            else:
                self.window_updated.clear()
                await self.window_updated.wait()

    def cancel(self, code: ErrorCodes = ErrorCodes.CANCEL) -> None:
        """Tell the peer, if it still listens, that this stream is of no use any more."""
        if self.id is not None and self.closable:
            self._h2_connection.reset_stream(self.id, error_code=code)
            self.connection.flush()

    def fail(self, error: NsmError) -> None:
        """Let everyone who waits on this stream hear `error`."""
        self.failure = self.failure or error
        self._wake()
        if self.id is not None:
            self.buffer.fail(self.failure)

    def forgive(self) -> None:
        """Nobody waits any more: a failure that was raised holds whoever did, and so the stream."""
        self.failure = None
        if self.id is not None:
            self.buffer.forgive()

    @property
    def number(self) -> int:
        """Its id on the connection, once open."""
        return cast("int", self.id)

    def _check(self) -> None:
        if self.failure is not None:
            raise self.failure

    def _wake(self) -> None:
        self.headers_received.set()
        self.trailers_received.set()
        self.window_updated.set()

    def __ended__(self) -> None:
        super().__ended__()
        self._wake()

    def __terminated__(self, reason: str) -> None:
        self.fail(Unreachable(reason))


class RpcConnection(Connection):
    """What the streams of one connection share."""

    def __init__(self, engine: Engine, transport: SocketTransport) -> None:
        super().__init__(engine, transport, config=Configuration().__for_client__())  # no PINGs
        self.engine = engine
        self.transport = transport
        self.buffered = 0
        self._owed = 0
        self._withheld = 0
        self.leaving = False
        self.greeted = asyncio.Event()

    @property
    def usable(self) -> bool:
        """Whether new calls may be made on it."""
        return not (self.leaving or self.is_closing())

    async def writable(self) -> None:
        """Wait until the peer reads; the first to be woken may have filled the buffer again."""
        while not self.write_ready.is_set():
            await self.write_ready.wait()

    def create_stream(
        self, *, stream_id: int | None = None, wrapper: Wrapper | None = None
    ) -> RpcStream:
        return RpcStream(self, self._connection, self.transport, stream_id=stream_id)

    def received(self, size: int, counted: int, awaited: bool) -> None:
        """So much came; the connection's window opens again, unless too much lies unread."""
        self.buffered += size
        if awaited or self.buffered <= WINDOW:
            self._owed += counted
        else:
            self._withheld += counted
        self._settle()

    def took(self, size: int) -> None:
        """So much lies in an inbox no more."""
        self.buffered -= size
        self.hoards()
        if self._withheld and self.buffered <= WINDOW:
            self._owed, self._withheld = self._owed + self._withheld, 0
            self._settle()

    def hoards(self) -> bool:
        """Whether it is a caller's, and holds more than its share of this process's memory."""
        callers = not self.engine.config.client_side and not self.is_closing()
        return callers and SHARED.note(self, self.buffered)

    def let_go(self) -> None:
        """Nothing more is held: the connection is gone."""
        SHARED.note(self, 0)

    def ack(self, stream_id: int, size: int) -> None:
        if size and not self.is_closing():
            with suppress(ProtocolError, KeyError):  # the stream may have ended meanwhile
                self.engine.increment_flow_control_window(size, stream_id)
            self.flush()

    def _settle(self) -> None:
        if self._owed >= WINDOW // 4 and not self.is_closing():
            self.engine.increment_flow_control_window(self._owed)
            self._owed = 0
            self.flush()

    def flush(self) -> None:
        if not self.is_closing():
            super().flush()

    def leave(self) -> None:
        """Say that no new call will be taken; those that run may end."""
        if self.usable:
            self.leaving = True
            last = self.engine.highest_inbound_stream_id
            self.transport.write(GoAwayFrame(0, last_stream_id=last).serialize())

    def close(self) -> None:
        self.flush()
        super().close()
        self.write_ready.set()
        self.stream_close_waiter.set()
        self.greeted.set()
