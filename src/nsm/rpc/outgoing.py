"""The calls that go out on one connection, as bytes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import cast

from grpclib.protocol import AbstractHandler, Stream
from hpack import NeverIndexedHeaderTuple

from nsm.errors import NsmError, TooLate, Unimplemented, Unknown, Unreachable
from nsm.rpc.http2 import Http2
from nsm.rpc.message import framed, next_message
from nsm.rpc.metadata import timeout_header
from nsm.rpc.status import failure_in, failure_of_answer
from nsm.rpc.stream import Headers, RpcStream
from nsm.sdk.clock import Clock

LATE = "no answer came before the deadline"


class Outgoing:
    """Asks the peer of one connection."""

    def __init__(self, http2: Http2, clock: Clock, *, authority: str, scheme: str) -> None:
        self._http2 = http2
        self._clock = clock
        self._always: Headers = [
            (":method", "POST"),
            (":scheme", scheme),
            (":authority", authority),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
            ("user-agent", "nsm-python"),
        ]

    @property
    def usable(self) -> bool:
        """Whether a new call may be made."""
        return self._http2.connection.usable

    async def unary(
        self, path: str, request: bytes, metadata: Headers, deadline: float | None = None
    ) -> tuple[bytes, dict[str, str]]:
        """The answer, and its first headers; any failure is an `NsmError`."""
        exchange = _Exchange(self._http2)
        try:
            async with asyncio.timeout_at(deadline):
                await exchange.ask(self._headers(path, metadata, deadline), framed(request))
                headers = await exchange.first_headers()
                message = await next_message(exchange.stream)
                await exchange.last_headers()
        except TimeoutError as error:
            raise TooLate(LATE) from error
        finally:
            exchange.end()
        if message is None:
            raise Unknown("the peer answered nothing")
        return message, headers

    async def stream(
        self, path: str, request: bytes, metadata: Headers, deadline: float | None = None
    ) -> AsyncIterator[bytes]:
        """The answers, until the peer ends them; closing the iterator cancels the call."""
        exchange = _Exchange(self._http2)
        try:
            async with asyncio.timeout_at(deadline):
                await exchange.ask(self._headers(path, metadata, deadline), framed(request))
                await exchange.first_headers()
            while (message := await self._next(exchange.stream, deadline)) is not None:
                yield message
            await exchange.last_headers()
        except TimeoutError as error:
            raise TooLate(LATE) from error
        finally:
            exchange.end()

    async def _next(self, stream: RpcStream, deadline: float | None) -> bytes | None:
        if deadline is None:
            return await next_message(stream)
        async with asyncio.timeout_at(deadline):
            return await next_message(stream)

    def _headers(self, path: str, metadata: Headers, deadline: float | None) -> Headers:
        headers: Headers = [*self._always[:3], (":path", path), *self._always[3:]]
        if deadline is not None:
            left = deadline - self._clock.ticks()
            if left <= 0:
                raise TooLate(LATE)
            headers.append(_secret(*timeout_header(left)))
        headers.extend(_secret(name, value) for name, value in metadata)
        return headers


class NoCalls(AbstractHandler):
    """A client's side: nobody may call."""

    def accept(self, stream: Stream, headers: Headers, release_stream: Callable[[], None]) -> None:
        raise Unimplemented("a client takes no calls")

    def cancel(self, stream: Stream) -> None:
        return None

    def close(self) -> None:
        return None


class _Exchange:
    """One question and what comes back, on a stream that is always let go of."""

    def __init__(self, http2: Http2) -> None:
        self.stream: RpcStream = http2.connection.create_stream()
        self._events = http2.processor
        self._release: Callable[[], None] | None = None
        self._ended = False

    async def ask(self, headers: Headers, message: bytes) -> None:
        self._release = await self.stream.open(self._events, headers)
        try:
            await self.stream.send_data(message, end_stream=True)
        except Unreachable:
            if self.stream.headers is None:  # else it was answered before it was read
                raise

    async def first_headers(self) -> dict[str, str]:
        headers = dict(await self.stream.recv_headers())
        _raise(failure_of_answer(headers))
        if "grpc-status" in headers:
            self._ended = True
            _raise(failure_in(headers))
        return headers

    async def last_headers(self) -> None:
        if not self._ended:
            _raise(failure_in(dict(await self.stream.recv_trailers())))

    def end(self) -> None:
        if self._release is not None:
            self.stream.cancel()
            self._release()
        self.stream.forgive()


def _raise(failure: NsmError | None) -> None:
    try:
        if failure is not None:
            raise failure
    finally:
        del failure  # its traceback has this frame


def _secret(name: str, value: str) -> tuple[str, str]:
    # Also what changes with every call: it would only push the rest out of the peer's table.
    return cast("tuple[str, str]", NeverIndexedHeaderTuple(name.encode(), value.encode()))
