"""What has come on one HTTP/2 stream and was not read yet.

Replaces grpclib's queue of frames: a byte costs a byte here, however small the frames are, and the
peer's window opens only as far as somebody has read, or waits for the rest of one message.
"""

import asyncio
from typing import Protocol

from grpclib.protocol import Buffer

from nsm.errors import Invalid


class Window(Protocol):
    """The connection, as far as an inbox has to do with it."""

    buffered: int
    """Bytes that lie in all the connection's inboxes together."""

    def ack(self, stream_id: int, size: int) -> None:
        """Open the peer's window again by that much."""
        ...


class Inbox(Buffer):
    """Bytes of one stream, in order; grpclib adds, one reader reads."""

    def __init__(self, stream_id: int, window: Window) -> None:
        self._id = stream_id
        self._window = window
        self._bytes = bytearray()
        self._owed = 0
        self._ended = False
        self._failure: Exception | None = None
        self._more: asyncio.Future[None] | None = None

    def add(self, data: bytes, ack_size: int) -> None:
        self._bytes += data
        self._window.buffered += len(data)
        self._owed += ack_size
        self._wake()

    def eof(self) -> None:
        self._ended = True
        self._wake()

    def fail(self, error: Exception) -> None:
        """Nothing more will come; what is here already may still be read."""
        self._failure = error
        self._wake()

    async def read(self, size: int) -> bytes:
        """Exactly `size` bytes; none at all when the stream has ended before the first."""
        while len(self._bytes) < size:
            if self._ended and not self._bytes:
                return b""
            if self._failure is not None:
                raise self._failure
            if self._ended:
                raise Invalid("the stream ended in the middle of a message")
            self._pay(self._owed)
            self._more = asyncio.get_running_loop().create_future()
            await self._more
        data = bytes(self._bytes[:size])
        self._take_out(size)
        self._pay(self._owed - len(self._bytes))
        return data

    def unacked_size(self) -> int:
        """What the peer's window is still owed when the stream is dropped."""
        self._take_out(len(self._bytes))
        owed, self._owed = self._owed, 0
        return owed

    def _take_out(self, size: int) -> None:
        del self._bytes[:size]
        self._window.buffered -= size

    def _pay(self, size: int) -> None:
        if size > 0:
            self._owed -= size
            self._window.ack(self._id, size)

    def _wake(self) -> None:
        if self._more is not None and not self._more.done():
            self._more.set_result(None)
