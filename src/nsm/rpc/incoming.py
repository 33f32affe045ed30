"""The calls that come in on one connection, as bytes: read, bounded, answered."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import cast

from grpclib.protocol import AbstractHandler, Stream
from h2.errors import ErrorCodes

from nsm.errors import Invalid, NsmError, TooLate, Unimplemented, Unreachable
from nsm.rpc.engine import MOST_STREAMS
from nsm.rpc.message import framed, next_message
from nsm.rpc.metadata import Metadata, gathered, timeout_in
from nsm.rpc.status import OK, as_failure, trailers_for
from nsm.rpc.stream import Headers, RpcStream
from nsm.rpc.transport import SocketTransport
from nsm.sdk.clock import Clock
from nsm.sdk.streams import reading
from nsm.sdk.tasks import Tasks

log = logging.getLogger(__name__)

REPLY: Headers = [(":status", "200"), ("content-type", "application/grpc")]
RESETS, RESETS_A_SECOND = 2.0 * MOST_STREAMS, 200.0
"""Calls a peer may give up at once, and as time goes by, before it counts as an attack."""


@dataclass(slots=True)
class Incoming:
    """One call as it came; `reply` is added to the answer's first headers."""

    transport: SocketTransport
    metadata: Metadata = field(repr=False)  # tokens are in it
    deadline: float | None
    reply: Headers = field(default_factory=list)


Unary = Callable[[Incoming, bytes], Awaitable[bytes]]
Streaming = Callable[[Incoming, bytes], AsyncIterator[bytes]]


@dataclass(frozen=True, slots=True)
class Methods:
    """What can be called, by full path, and under which name failures are reported."""

    unary: Mapping[str, Unary]
    streaming: Mapping[str, Streaming]
    hop: str = ""


class Calls(AbstractHandler):
    """Serves one connection; a call whose caller is gone is cancelled, and so is a late one."""

    def __init__(self, methods: Methods, clock: Clock) -> None:
        self._methods = methods
        self._clock = clock
        self._tasks = Tasks()
        self._running: dict[Stream, asyncio.Task[None]] = {}
        self._streaming: set[Stream] = set()
        self._leaving = False
        self._resets, self._reset_at = RESETS, clock.ticks()

    def __len__(self) -> int:
        return len(self._running)

    def accept(self, stream: Stream, headers: Headers, release_stream: Callable[[], None]) -> None:
        """A call begins."""
        ours = cast("RpcStream", stream)
        if self._leaving or len(self._running) >= MOST_STREAMS:
            ours.cancel(ErrorCodes.REFUSED_STREAM)
            release_stream()
            return
        serving = self._serve(ours, headers, release_stream)
        self._running[stream] = self._tasks.start("serving a call", serving)

    def cancel(self, stream: Stream) -> None:
        """The caller gave up."""
        if stream in self._running:
            _stop(self._running[stream])
        now = self._clock.ticks()
        credit = self._resets + (now - self._reset_at) * RESETS_A_SECOND
        self._resets, self._reset_at = min(RESETS, credit) - 1, now
        if self._resets < 0:
            log.warning("a peer gives up calls faster than it may; its connection is closed")
            cast("RpcStream", stream).connection.transport.abort()

    def leave(self) -> None:
        """Take no more calls, and end the streams, which would not end by themselves."""
        self._leaving = True
        for stream in self._streaming:
            _stop(self._running[stream])

    def hurry(self) -> None:
        """The grace of a stop is over: end what still runs."""
        for task in self._running.values():
            _stop(task)

    def close(self) -> None:
        """The connection is gone, and with it everyone who could be answered."""
        self._leaving = False
        self.hurry()

    async def _serve(
        self, stream: RpcStream, headers: Headers, release: Callable[[], None]
    ) -> None:
        try:
            trailers = await self._answer(stream, gathered(headers))
            await stream.send_headers(trailers if stream.spoke else REPLY + trailers, True)
        except NsmError as error:
            log.debug("an answer could not be sent: %s", error)
        finally:
            del self._running[stream]
            self._streaming.discard(stream)
            stream.cancel(ErrorCodes.NO_ERROR)  # a caller that still sends may stop
            release()

    async def _answer(self, stream: RpcStream, metadata: Metadata) -> Headers:
        path = metadata.get(":path", [""])[0]
        try:
            await self._within_deadline(stream, path, metadata)
        except asyncio.CancelledError:
            if not self._leaving or stream.failure:
                raise
            return trailers_for(Unreachable("this program is stopping"), self._methods.hop)
        except Exception as error:
            return trailers_for(_told(path, error), self._methods.hop)
        return OK

    async def _within_deadline(self, stream: RpcStream, path: str, metadata: Metadata) -> None:
        wait = timeout_in(metadata)
        deadline = None if wait is None else self._clock.ticks() + wait
        call = Incoming(stream.connection.transport, metadata, deadline)
        try:
            async with asyncio.timeout_at(deadline) as limit:
                await self._perform(stream, path, call)
        except TimeoutError as error:
            if limit.expired():
                raise TooLate("the caller's deadline passed") from error
            raise

    async def _perform(self, stream: RpcStream, path: str, call: Incoming) -> None:
        if not call.metadata.get("content-type", [""])[0].startswith("application/grpc"):
            raise Invalid("this is not a gRPC call")
        unary, streaming = self._methods.unary.get(path), self._methods.streaming.get(path)
        if unary is None and streaming is None:
            raise Unimplemented(f"there is no method {path[:200]}")
        request = await next_message(stream)
        if request is None:
            raise Invalid("the call carries no message")
        if unary is not None:
            answer = framed(await unary(call, request))
            await stream.send_headers(REPLY + call.reply)
            await stream.send_data(answer)
        elif streaming is not None:
            await self._stream(stream, call, streaming(call, request))

    async def _stream(
        self, stream: RpcStream, call: Incoming, messages: AsyncIterator[bytes]
    ) -> None:
        self._streaming.add(stream)
        if self._leaving:
            raise Unreachable("this program is stopping")
        async with reading(messages):
            async for message in messages:
                if not stream.spoke:
                    await stream.send_headers(REPLY + call.reply)
                await stream.send_data(framed(message))


def _stop(task: asyncio.Task[None]) -> None:
    # A task cancelled before its first step would never clean up after itself.
    asyncio.get_running_loop().call_soon(task.cancel)


def _told(path: str, error: Exception) -> NsmError:
    failure = as_failure(error)
    if failure is None:
        log.exception("%.100r failed", path)
        return NsmError("internal error; its cause is in the log of this program")
    log.info("%.100r: %s", path, failure)
    log.debug("it came this way: %s", "; ".join(getattr(error, "__notes__", ())))
    return failure
