"""gRPC in the clear on a unix socket, as bytes: for the SPIFFE Workload API and nothing else.

Who asks is known by what the kernel says of the other end (SO_PEERCRED), not by a certificate.
"""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field

from nsm.errors import TooLate, Unreachable
from nsm.rpc.connecting import connected
from nsm.rpc.host import Guest, Host
from nsm.rpc.http2 import Http2
from nsm.rpc.incoming import Incoming, Methods, Streaming
from nsm.rpc.metadata import Metadata
from nsm.rpc.outgoing import NoCalls, Outgoing
from nsm.rpc.place import check_place
from nsm.rpc.plug import Plug
from nsm.rpc.sender import Ended, credentials, pidfd
from nsm.rpc.stream import Headers
from nsm.rpc.target import target_of
from nsm.rpc.tls import ClearSession
from nsm.rpc.transport import SocketTransport
from nsm.sdk.clock import Clock
from nsm.sdk.streams import reading


@dataclass(frozen=True, slots=True)
class PlainCall:
    """Who asks, by the kernel's word; `pidfd` (where the kernel has it) outlives a reused pid.

    `pidfd` belongs to the connection and is valid while the call is.
    """

    pid: int
    uid: int
    gid: int
    metadata: Metadata = field(repr=False)
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
        self.address = f"unix://{path}"
        self._mode = mode
        self._clock = clock or Clock()
        self._methods = methods
        self._host = Host(lambda sock: _Visitor(sock, self._methods, self._clock), self._clock)

    async def start(self) -> None:
        """Listen; Invalid where others could put a socket in the place of ours."""
        check_place(self.address.removeprefix("unix://"))
        self._host.listen([target_of(self.address)], self._mode)

    async def close(self, grace: float = 1.0) -> None:
        """Stop listening, end every call with UNAVAILABLE, and hang up."""
        await self._host.close(grace)


class _Visitor(Guest):
    """One connection to a plain server."""

    def __init__(self, sock: socket.socket, methods: Mapping[str, Method], clock: Clock) -> None:
        self._who = who = _Caller(sock)
        served = {path: who.served(method) for path, method in methods.items()}
        super().__init__(sock, ClearSession(), Methods({}, served), clock)

    def depart(self) -> None:
        self._who.gone()
        super().depart()


class _Caller:
    """Who is at the other end of a connection, which it does not know: so it ends with it."""

    def __init__(self, sock: socket.socket) -> None:
        self._ids = credentials(sock)
        try:
            self._pidfd = pidfd(sock)
        except Ended as error:
            raise Unreachable("who called has ended, and its pid may be another's") from error

    def served(self, method: Method) -> Streaming:
        """The method, as this one calls it."""

        def serve(call: Incoming, request: bytes) -> AsyncIterator[bytes]:
            return method(PlainCall(*self._ids, call.metadata, self._pidfd), request)

        return serve

    def gone(self) -> None:
        """It has hung up."""
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None


async def plain_stream(
    url: str, method: str, request: bytes, metadata: Headers, timeout: float | None = None
) -> AsyncIterator[bytes]:
    """Every answer to a call, on a connection of its own; `timeout` is for connecting only.

    Nobody proves anything here, so a socket counts only where its place says whose it is.
    """
    clock = Clock()
    http2 = Http2(NoCalls(), client=True)
    target = target_of(url)
    if target.path:
        check_place(target.path)
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
        async with reading(answers):
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
        async with asyncio.timeout(timeout), reading(answers):
            async for answer in answers:
                return answer
    except TimeoutError as error:
        raise TooLate(f"{url} did not answer within {timeout} s") from error
    raise Unreachable(f"{url} answered nothing")
