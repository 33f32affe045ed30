"""An asyncio transport of our own, the same for unix sockets and TCP.

The inner protocol hears `connection_made` only when the peer has proved who it is, and
`connection_lost` only after that. What is written in one turn of the loop leaves together.
"""

import asyncio
import errno
import logging
from collections import deque
from collections.abc import Callable
from typing import Any

from nsm.errors import Exhausted, NsmError, TooLate, Unreachable
from nsm.rpc.fds import SocketFiles
from nsm.rpc.plug import Plug, close_all
from nsm.rpc.tls import Session
from nsm.sdk.call import Peer
from nsm.sdk.clock import Alarm, Clock

log = logging.getLogger(__name__)

HIGH, LOW = 65536, 16384
"""Bytes unsent at which the protocol is asked to pause, and told to go on."""
MOST_UNSENT = 2 * 1024 * 1024
"""Bytes unsent at which a peer counts as one that does not read."""
HANDSHAKE = 10.0
"""Seconds a peer has to prove who it is."""
LINGER = 5.0
"""Seconds a closing connection has to send what is left."""
CROWDED = 0.01
"""Seconds to wait when the kernel has too many of this user's files in flight."""

Settled = Callable[["SocketTransport", Exception | None], None]
"""Told once: the peer is known (None), or why the connection came to nothing."""


class SocketTransport(asyncio.Transport):
    """Moves bytes between a socket, a TLS session and a protocol; files go beside them."""

    def __init__(
        self,
        plug: Plug,
        session: Session,
        protocol: asyncio.Protocol,
        clock: Clock,
        settled: Settled = lambda *_: None,
    ) -> None:
        super().__init__()
        self.session = session
        self.files = SocketFiles(clock, entitled=plug.may_enter) if plug.carries_files else None
        self._loop = asyncio.get_running_loop()
        self._plug = plug
        self._fd = plug.sock.fileno()
        self._protocol = protocol
        self._clock = clock
        self._settled = settled
        self._unsaid: list[bytes] = []
        self._unsent = bytearray()
        self._unsaid_size = 0
        self._flushing = self._writing = self._crowded = self._full = False
        self._open = self._paused = self._closing = self._closed = False
        self._alarm: Alarm | None = None

    def start(self) -> None:
        """Begin the handshake."""
        self._alarm = self._clock.after(HANDSHAKE, self._tired)
        self._loop.add_reader(self._fd, self._readable)
        self._advance()

    @property
    def peer(self) -> Peer | None:
        """Who is at the other end, once it is proved."""
        return self.session.peer

    @property
    def is_open(self) -> bool:
        """Whether the peer is known and nothing has ended."""
        return self._open and not self._closing

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._plug.sock if name == "socket" else default

    # Reading

    def pause_reading(self) -> None:
        if not self._paused and not self._closing:
            self._paused = True
            self._loop.remove_reader(self._fd)

    def resume_reading(self) -> None:
        if self._paused and not self._closing:
            self._paused = False
            self._loop.add_reader(self._fd, self._readable)
            self._loop.call_soon(self._advance)  # some may lie decrypted

    def is_reading(self) -> bool:
        return not (self._paused or self._closing)

    def _readable(self) -> None:
        try:
            data, files = self._plug.receive()
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._fail(Unreachable(f"the connection broke: {error.strerror}"))
            return
        except Exhausted as error:
            self._fail(error)
            return
        if data:
            self.session.feed(data)
            self._advance()
        else:
            self._ended()
        # Only now: these came with the last bytes, which may have ended the handshake.
        self._keep(files)

    def _advance(self) -> None:
        if self._closing:
            return
        try:
            if self._open or self._shake():
                self._deliver()
        except NsmError as error:
            self._fail(error)
        except Exception:
            log.exception("a connection of %s is closed", self.peer and self.peer.id)
            self._fail(Unreachable("what came on the connection could not be handled"))

    def _shake(self) -> bool:
        try:
            done = self.session.handshake()
        finally:
            self._flush()  # an alert, too, tells the peer why
        if done and not self._closing:
            self._open = True
            self._rest()
            self._protocol.connection_made(self)
            self._settled(self, None)
        return self._open

    def _deliver(self) -> None:
        if self._paused:
            return
        if data := self.session.read():
            self._protocol.data_received(data)
        if self.session.ended:
            self._ended()
        self._flush()

    def _ended(self) -> None:
        if self._open:
            self._protocol.eof_received()
            self.close()
        else:
            self._fail(Unreachable("the peer hung up during the handshake"))

    def _keep(self, files: list[int]) -> None:
        while files:
            if self.files is None or not self.is_open:
                close_all(files)
                return
            try:
                self.files.arrived(files.pop(0))
            except Exhausted as error:
                self._fail(error)

    # Writing

    def write(self, data: Any) -> None:
        if self._closing or not data:
            return
        self._unsaid.append(bytes(data))
        self._unsaid_size += len(data)
        if self._unsaid_size >= HIGH:
            self._flush()
        elif not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)
        self._press()

    def get_write_buffer_size(self) -> int:
        return self._unsaid_size + len(self._unsent)

    def can_write_eof(self) -> bool:
        return False

    def _flush(self) -> None:
        self._flushing = False
        if self._closed:
            return
        try:
            if self._unsaid:
                self.session.write(b"".join(self._unsaid))
                self._unsaid.clear()
                self._unsaid_size = 0
            self._unsent += self.session.take()
            if self._unsent and not self._crowded:
                del self._unsent[: self._plug.send(self._unsent, self._outgoing)]
        except NsmError as error:
            self._fail(error)
        except OSError as error:
            if error.errno == errno.ETOOMANYREFS:
                self._crowded = True
                self._clock.after(CROWDED, self._uncrowd)
            else:
                self._fail(Unreachable(f"the connection broke: {error.strerror}"))
        self._after_flush()

    @property
    def _outgoing(self) -> deque[int]:
        return self.files.outgoing if self.files is not None else deque()

    def _after_flush(self) -> None:
        waits = bool(self._unsent) and not self._crowded and not self._closed
        if waits != self._writing and not self._closed:
            self._writing = waits
            if waits:
                self._loop.add_writer(self._fd, self._flush)
            else:
                self._loop.remove_writer(self._fd)
        if self._full and self.get_write_buffer_size() <= LOW:
            self._full = False
            self._protocol.resume_writing()
        if self._closing and not self._unsent:
            self._finish(None)

    def _uncrowd(self) -> None:
        self._crowded = False
        self._flush()

    def _press(self) -> None:
        size = self.get_write_buffer_size()
        if size > MOST_UNSENT:
            self._fail(Exhausted("the peer does not read"))
        elif size > HIGH and not self._full:
            self._full = True
            self._protocol.pause_writing()

    # Ending

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        """Send what is left and say goodbye; `abort` does not wait for that."""
        if self._closing:
            return
        self._closing = True
        self._rest()
        self._loop.remove_reader(self._fd)
        if not self._open:
            self._finish(Unreachable("the connection was given up"))
            return
        self._alarm = self._clock.after(LINGER, self.abort)
        if self._unsaid:
            self._flush()
        if not self._closed:
            self.session.goodbye()
            self._flush()

    def abort(self) -> None:
        """Drop everything now."""
        self._finish(None)

    def _fail(self, error: Exception) -> None:
        self._finish(None if self._open and self._closing else error)

    def _tired(self) -> None:
        self._fail(TooLate(f"the peer did not prove who it is within {HANDSHAKE:g} s"))

    def _rest(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _finish(self, error: Exception | None) -> None:
        if self._closed:
            return
        self._closed = self._closing = True
        self._rest()
        self._loop.remove_reader(self._fd)
        self._loop.remove_writer(self._fd)
        self._plug.sock.close()
        if self.files is not None:
            self.files.close()
        self._unsaid.clear()
        self._unsent.clear()
        self._unsaid_size = 0
        self._loop.call_soon(self._tell, error)

    def _tell(self, error: Exception | None) -> None:
        protocol, self._protocol = self._protocol, asyncio.Protocol()  # it has us: let go of it
        settled, self._settled = self._settled, lambda *_: None
        if self._open:
            protocol.connection_lost(error)
        else:
            settled(self, error or Unreachable("the connection was given up"))
