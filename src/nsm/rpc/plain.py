"""gRPC in the clear on a unix socket, as bytes: for the SPIFFE Workload API and nothing else.

Who asks is known by what the kernel says of the other end (SO_PEERCRED), not by a certificate.
"""

import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from grpclib.protocol import AbstractHandler, Stream

from nsm.errors import TooLate, Unimplemented, Unreachable
from nsm.rpc.connecting import connected
from nsm.rpc.http2 import Http2
from nsm.rpc.incoming import Calls, Incoming, Methods, Streaming
from nsm.rpc.listening import Listener
from nsm.rpc.message import finishing
from nsm.rpc.metadata import Metadata
from nsm.rpc.outgoing import Outgoing
from nsm.rpc.plug import Plug
from nsm.rpc.stream import Headers
from nsm.rpc.target import Target, target_of
from nsm.rpc.tls import ClearSession
from nsm.rpc.transport import SocketTransport
from nsm.sdk.clock import Clock

SO_PEERPIDFD = 77
"""Linux 6.5; Python has no name for it yet."""
MOST_CONNECTIONS = 4096


@dataclass(frozen=True, slots=True)
class PlainCall:
    """Who asks, by the kernel's word; `pidfd` (where the kernel has it) outlives a reused pid.

    `pidfd` belongs to the connection and is valid while the call is.
    """

    pid: int
    uid: int
    gid: int
    metadata: Metadata
    pidfd: int | None = None


Method = Callable[[PlainCall, bytes], AsyncIterator[bytes]]
"""Answers a call with any number of messages; a unary method yields one."""


class PlainServer:
    """Serves methods by their full path; every answer is a stream."""

    def __init__(
        self,
        path: str,
        methods: Mapping[str, Method],
        mode: int = 0o666,
        clock: Clock | None = None,
    ) -> None:
        self.address = str(Target(path=path))
        self._target = target_of(self.address)
        self._mode = mode
        self._clock = clock or Clock()
        self._methods = methods
        self._connections: set[_Visitor] = set()
        self._listener: Listener | None = None

    async def start(self) -> None:
        """Listen."""
        self._listener = Listener(self._target, self._welcome, self._clock, self._mode)

    async def close(self) -> None:
        """Stop listening, end every call with UNAVAILABLE, and hang up."""
        if self._listener is not None:
            self._listener.close()
        for visitor in list(self._connections):
            visitor.part()
        while self._connections:
            await next(iter(self._connections)).gone.wait()

    def _welcome(self, sock: socket.socket) -> None:
        if len(self._connections) >= MOST_CONNECTIONS:
            sock.close()
            return
        visitor = _Visitor(sock, self._methods, self._clock, self._connections.discard)
        self._connections.add(visitor)
        visitor.start()


class _Visitor(Http2):
    """One connection to a plain server."""

    def __init__(
        self,
        sock: socket.socket,
        methods: Mapping[str, Method],
        clock: Clock,
        left: Callable[["_Visitor"], None],
    ) -> None:
        self.gone = asyncio.Event()
        self._left = left
        credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        self._who: tuple[int, int, int] = struct.unpack("iII", credentials)
        self._pidfd = _pidfd(sock)
        served = {path: self._serving(method) for path, method in methods.items()}
        self._calls = Calls(Methods({}, served), clock)
        super().__init__(self._calls, client=False)
        self._transport = SocketTransport(Plug(sock), ClearSession(), self, clock)

    def start(self) -> None:
        """Speak."""
        self._transport.start()

    def part(self) -> None:
        """Say so, and end."""
        self.connection.leave()
        self._calls.leave()
        self.processor.maybe_end()

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        if self._pidfd is not None:
            os.close(self._pidfd)
        self.gone.set()
        self._left(self)

    def _serving(self, method: Method) -> Streaming:
        def serve(call: Incoming, request: bytes) -> AsyncIterator[bytes]:
            return method(PlainCall(*self._who, call.metadata, self._pidfd), request)

        return serve


async def plain_stream(
    url: str, method: str, request: bytes, metadata: Headers, timeout: float | None = None
) -> AsyncIterator[bytes]:
    """Every answer to a call, on a connection of its own; `timeout` is for connecting only."""
    clock = Clock()
    http2 = Http2(_NoCalls(), client=True)
    target = target_of(url)
    try:
        async with asyncio.timeout(timeout):
            sock = await connected(target, clock)
            transport = SocketTransport(Plug(sock), ClearSession(), http2, clock)
            transport.start()
    except TimeoutError as error:
        raise TooLate(f"{url} did not answer within {timeout} s") from error
    asking = Outgoing(http2, clock, authority=target.authority, scheme="http")
    try:
        answers = asking.stream(method, request, metadata)
        async with finishing(answers):
            async for answer in answers:
                yield answer
    finally:
        transport.close()


async def plain_unary(
    url: str, method: str, request: bytes, metadata: Headers, timeout: float | None = None
) -> bytes:
    """The one answer to a call; TooLate after `timeout` seconds in all."""
    answers = plain_stream(url, method, request, metadata)
    try:
        async with asyncio.timeout(timeout), finishing(answers):
            async for answer in answers:
                return answer
    except TimeoutError as error:
        raise TooLate(f"{url} did not answer within {timeout} s") from error
    raise Unreachable(f"{url} answered nothing")


class _NoCalls(AbstractHandler):
    """A client's side: nobody may call."""

    def accept(self, stream: Stream, headers: Headers, release_stream: Callable[[], None]) -> None:
        raise Unimplemented("a client takes no calls")

    def cancel(self, stream: Stream) -> None:
        return None

    def close(self) -> None:
        return None


def _pidfd(sock: socket.socket) -> int | None:
    with suppress(OSError):
        return sock.getsockopt(socket.SOL_SOCKET, SO_PEERPIDFD)
    return None
