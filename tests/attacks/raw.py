"""An attacker: sockets, TLS and HTTP/2 driven by hand, so that nothing of ours refuses to lie."""

import asyncio
import os
import socket
import ssl
import struct
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import ClassVar, Self
from urllib.parse import unquote

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    ResponseReceived,
    StreamReset,
    TrailersReceived,
)

from nsm.rpc.target import target_of

PATIENCE = 10.0
Headers = list[tuple[str, str]]


class HungUp(Exception):
    """The other side is gone, and this is what it said of it, if anything."""


class Wire:
    """A connected socket, in the clear or under TLS, and files beside its bytes."""

    made: ClassVar[list["Wire"]] = []
    """All of a test, closed when it ends."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext | None = None) -> None:
        self.sock = sock
        sock.setblocking(False)
        self.made.append(self)
        self.loop = asyncio.get_running_loop()
        self.came, self.leaves = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context and context.wrap_bio(
            self.came, self.leaves, server_side=context.protocol == ssl.PROTOCOL_TLS_SERVER
        )

    @classmethod
    async def to(cls, url: str, context: ssl.SSLContext | None = None) -> Self:
        """Connect, and prove to be whom the context shows."""
        wire = cls(await connected(url), context)
        if wire.tls:
            try:
                await wire.shake()
            except BaseException:
                wire.close()
                raise
        return wire

    async def shake(self) -> None:
        """The handshake, as far as this side sees it."""
        assert self.tls
        while True:
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                await self.put(self.leaves.read())
                self.came.write(await self.take())
            except ssl.SSLError as error:
                raise HungUp(error.reason or str(error)) from error
            else:
                await self.put(self.leaves.read())
                return

    async def send(self, data: bytes) -> None:
        """Say something."""
        if self.tls:
            self.tls.write(data)
            data = self.leaves.read()
        await self.put(data)

    async def receive(self) -> bytes:
        """Hear something; HungUp when there is nobody."""
        if not self.tls:
            return await self.take()
        while True:
            try:
                if data := self.tls.read(65536):
                    return data
                raise HungUp("the end")
            except ssl.SSLWantReadError:
                self.came.write(await self.take())
            except ssl.SSLError as error:
                raise HungUp(error.reason or str(error)) from error

    async def put(self, data: bytes, files: Sequence[int] = ()) -> None:
        """Bytes on the socket itself; files leave with the first of them."""
        try:
            async with asyncio.timeout(PATIENCE):
                if files:
                    ride = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", files))
                    self.sock.sendmsg([data[:1]], [ride])
                    data = data[1:]
                await self.loop.sock_sendall(self.sock, data)
        except OSError as error:
            raise HungUp(str(error)) from error

    async def take(self) -> bytes:
        """Bytes off the socket itself."""
        try:
            async with asyncio.timeout(PATIENCE):
                data = await self.loop.sock_recv(self.sock, 65536)
        except OSError as error:
            raise HungUp(str(error)) from error
        if not data:
            raise HungUp("the end")
        return data

    async def until_hung_up(self) -> str:
        """Why the other side left."""
        try:
            while True:
                await self.receive()
        except HungUp as error:
            return str(error)

    def close(self) -> None:
        self.sock.close()


async def connected(url: str) -> socket.socket:
    """A socket to there."""
    target = target_of(url)
    family = socket.AF_UNIX if target.path else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setblocking(False)
    where = target.path or (target.host, target.port)
    while True:
        try:
            await asyncio.get_running_loop().sock_connect(sock, where)
        except BlockingIOError:  # a unix socket's queue is full
            await asyncio.sleep(0.005)
        else:
            return sock


@dataclass
class Answer:
    """What came of a call."""

    headers: dict[str, str] = field(default_factory=dict)
    trailers: dict[str, str] = field(default_factory=dict)
    data: bytes = b""

    @property
    def status(self) -> int:
        """As gRPC counts them."""
        return int({**self.headers, **self.trailers}["grpc-status"])

    @property
    def said(self) -> str:
        return unquote({**self.headers, **self.trailers}.get("grpc-message", ""))

    @property
    def message(self) -> bytes:
        """The first message."""
        (size,) = struct.unpack_from(">I", self.data, 1)
        return self.data[5 : 5 + size]


class Mouth:
    """Speaks HTTP/2 and gRPC on a wire, and checks nothing of what it says."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        config = H2Configuration(
            client_side=True,
            header_encoding="utf-8",
            validate_outbound_headers=False,
            normalize_outbound_headers=False,
        )
        self.h2 = H2Connection(config)
        self.h2.initiate_connection()
        self.answers: dict[int, Answer] = {}
        self.ended: set[int] = set()

    @classmethod
    async def to(cls, url: str, context: ssl.SSLContext | None = None) -> Self:
        """Connect, prove, greet."""
        return cls(await Wire.to(url, context))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self.wire.close()

    async def ask(self, path: str, message: bytes = b"", headers: Iterable[tuple[str, str]] = ()):
        """Call a method, and hear the answer out."""
        return await self.hear(await self.begin(path, message, headers))

    async def begin(
        self, path: str, message: bytes = b"", headers: Iterable[tuple[str, str]] = ()
    ) -> int:
        """Call a method; the stream's number."""
        number = self.h2.get_next_available_stream_id()
        lead = [
            (":method", "POST"),
            (":scheme", "https"),
            (":authority", "localhost"),
            (":path", path),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
        ]
        self.h2.send_headers(number, [*lead, *headers])
        self.answers[number] = Answer()
        await self.pour(number, struct.pack(">BI", 0, len(message)) + message)
        return number

    async def pour(self, number: int, data: bytes) -> None:
        """Send a message as the other side opens its windows."""
        while data:
            room = min(
                self.h2.local_flow_control_window(number),
                self.h2.max_outbound_frame_size,
                len(data),
            )
            if number in self.ended:
                return
            if not room:
                await self.flush()
                await self.turn()
                continue
            self.h2.send_data(number, data[:room], end_stream=room == len(data))
            data = data[room:]
        await self.flush()

    async def hear(self, number: int) -> Answer:
        """The answer on that stream."""
        while number not in self.ended:
            await self.turn()
        return self.answers[number]

    async def flush(self) -> None:
        if data := self.h2.data_to_send():
            await self.wire.send(data)

    async def turn(self) -> None:
        """Hear something."""
        for event in self.h2.receive_data(await self.wire.receive()):
            self.note(event)
        await self.flush()

    def note(self, event: Event) -> None:
        if isinstance(event, ConnectionTerminated):
            raise HungUp(f"GOAWAY {event.error_code}")
        if isinstance(event, ResponseReceived):
            self.answers[event.stream_id].headers = dict(event.headers)
            if event.stream_ended:
                self.ended.add(event.stream_id)
        elif isinstance(event, TrailersReceived):
            self.answers[event.stream_id].trailers = dict(event.headers)
            self.ended.add(event.stream_id)
        elif isinstance(event, DataReceived):
            self.answers[event.stream_id].data += event.data
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, StreamReset) and event.stream_id not in self.ended:
            self.answers[event.stream_id].trailers.setdefault(
                "grpc-status", str(100 + int(event.error_code))
            )
            self.ended.add(event.stream_id)


def open_files() -> int:
    """How many descriptors this process has open."""
    return len(os.listdir("/proc/self/fd")) - 1
