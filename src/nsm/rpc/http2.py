"""One HTTP/2 connection over our transport: what comes, and what it means for the streams."""

import asyncio
from collections.abc import Callable
from typing import cast

from grpclib.protocol import AbstractHandler, EventsProcessor, H2Protocol, Stream
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, DataReceived, Event, RemoteSettingsChanged, StreamReset
from h2.exceptions import ProtocolError

from nsm.errors import Cancelled, Denied, Exhausted, NsmError, Unreachable
from nsm.rpc.engine import WINDOW, Engine
from nsm.rpc.stream import NeverSent, RpcConnection, RpcStream
from nsm.rpc.transport import SocketTransport

MOST_BUFFERED = 8 * WINDOW
"""Bytes of half-received messages one connection may hold."""
RESETS: dict[int, type[NsmError]] = {
    ErrorCodes.NO_ERROR: Unreachable,
    ErrorCodes.REFUSED_STREAM: NeverSent,
    ErrorCodes.CANCEL: Cancelled,
    ErrorCodes.ENHANCE_YOUR_CALM: Exhausted,
    ErrorCodes.INADEQUATE_SECURITY: Denied,
}
"""What a reset stream means, by its code (gRPC over HTTP/2, "Errors"); any other is INTERNAL.

NO_ERROR follows an answer that was given before the whole question was heard (RFC 9113 §8.1).
"""


class RpcEvents(EventsProcessor):
    """What happens on one connection."""

    connection: RpcConnection
    streams: dict[int, RpcStream]  # type: ignore[assignment]

    def register(self, stream: Stream) -> Callable[[], None]:
        release = super().register(stream)

        def released() -> None:
            release()
            self.maybe_end()

        return released

    def maybe_end(self) -> None:
        """Close a connection that is being left, once its last stream has ended."""
        if self.connection.leaving and not self.streams:
            self.connection.close()

    def process(self, event: Event) -> None:
        act = getattr(self, "processors", {}).get(type(event))
        if act is not None:  # what we have no use for, and whatever comes after the end
            act(event)

    def process_remote_settings_changed(self, event: RemoteSettingsChanged) -> None:
        super().process_remote_settings_changed(event)
        self.connection.greeted.set()

    def process_data_received(self, event: DataReceived) -> None:
        stream = self.streams.get(event.stream_id)
        counted = event.flow_controlled_length or 0
        if stream is None:
            self.connection.received(0, counted, awaited=True)
            return
        data = event.data or b""
        self.connection.received(len(data), counted, stream.buffer.awaited)
        stream.buffer.add(data, counted)
        if self.connection.buffered > MOST_BUFFERED or self.connection.hoards():
            stream.cancel(ErrorCodes.ENHANCE_YOUR_CALM)
            stream.fail(Exhausted("too much of unfinished messages"))

    def process_stream_reset(self, event: StreamReset) -> None:
        stream = self.streams.get(event.stream_id)
        if stream is not None:
            stream.fail(_meaning(event.error_code or 0))
            self.handler.cancel(stream)

    def process_connection_terminated(self, event: ConnectionTerminated) -> None:
        if event.error_code != ErrorCodes.NO_ERROR:
            self.close(f"the peer ended the connection with {event.error_code!s}")
            return
        self.connection.leaving = True
        if self.connection.engine.config.client_side:  # else the streams are the peer's own
            for number, stream in self.streams.items():
                if number > (event.last_stream_id or 0):
                    stream.fail(NeverSent("the peer is leaving"))
        self.maybe_end()


class Http2(H2Protocol):
    """The protocol a transport speaks to; `handler` takes the calls that come in."""

    connection: RpcConnection
    processor: RpcEvents

    def __init__(self, handler: AbstractHandler, *, client: bool) -> None:
        self.handler = handler
        self.ending: BaseException | None = None
        self._client = client

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        engine = Engine(client=self._client)
        engine.begin()
        self.connection = RpcConnection(engine, cast("SocketTransport", transport))
        self.processor = RpcEvents(self.handler, self.connection)
        self.connection.flush()

    def data_received(self, data: bytes) -> None:
        try:
            events = self.connection.feed(data)
        except ProtocolError as error:
            self.processor.close(f"the peer broke the rules of HTTP/2: {error}")
            return
        for event in events:
            self.processor.process(event)
        self.connection.flush()

    def connection_lost(self, exc: BaseException | None) -> None:
        self.ending = exc
        self.processor.close(str(exc) if exc else "the connection ended")
        self.connection.let_go()


def _meaning(code: int) -> NsmError:
    return RESETS.get(code, NsmError)(f"the peer reset the stream (HTTP/2 error {int(code)})")
