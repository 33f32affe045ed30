"""What has come on one HTTP/2 stream and was not read yet.

Replaces grpclib's queue of frames: a byte costs a byte here, however small the frames are, and a
stream's window opens only as far as somebody has read, or waits for the rest of one message.
"""

import asyncio
from typing import Protocol

from grpclib.protocol import Buffer

from nsm.errors import Invalid
from nsm.rpc.engine import STREAM_WINDOW

STEP = STREAM_WINDOW // 4
"""Bytes for which a window update is worth a frame."""


class Window(Protocol):
    """The connection, as far as an inbox has to do with it."""

    def took(self, size: int) -> None:
        """So many bytes lie in an inbox no more."""
        ...

    def ack(self, stream_id: int, size: int) -> None:
        """Open the stream's window again by that much."""
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

    @property
    def awaited(self) -> bool:
        """Whether somebody waits for the rest of a message."""
        return self._more is not None

    def add(self, data: bytes, ack_size: int) -> None:
        self._bytes += data
        self._owed += ack_size
        if self.awaited:
            self._pay(self._owed)
        self._wake()

    def eof(self) -> None:
        self._ended = True
        self._wake()

    def fail(self, error: Exception) -> None:
        """Nothing more will come; what is here already may still be read."""
        self._failure = error
        self._wake()

    def forgive(self) -> None:
        """Nobody reads any more."""
        self._failure = None

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
            await self._addition()
        data = bytes(self._bytes[:size])
        del self._bytes[:size]
        self._window.took(size)
        self._pay(self._owed - len(self._bytes))
        return data

    def unacked_size(self) -> int:
        """The stream is dropped, and nobody waits for its window."""
        self._window.took(len(self._bytes))
        self._bytes.clear()
        return 0

    async def _addition(self) -> None:
        self._more = asyncio.get_running_loop().create_future()
        try:
            await self._more
        finally:
            self._more = None

    def _pay(self, size: int) -> None:
        if size >= STEP and not self._ended:
            self._owed -= size
            self._window.ack(self._id, size)

    def _wake(self) -> None:
        if self._more is not None and not self._more.done():
            self._more.set_result(None)
