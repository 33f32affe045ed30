"""Listening sockets: made, accepted from with bounds, and taken away again."""

import asyncio
import errno
import logging
import os
import socket
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from nsm.errors import Invalid, Unreachable
from nsm.rpc.connecting import tune
from nsm.rpc.target import Target
from nsm.sdk.clock import Clock

log = logging.getLogger(__name__)

BACKLOG = 1024
AT_ONCE = 32
"""Connections accepted before others get their turn on the loop."""
OUT_OF_FILES = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
REST = 0.1
"""Seconds to accept nothing when there is no descriptor left."""


class Listener:
    """One listening socket; `accepted` gets each connection's, non-blocking."""

    def __init__(
        self, target: Target, accepted: Callable[[socket.socket], None], clock: Clock, mode: int
    ) -> None:
        self._accepted = accepted
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._sock = _bound(target)
        self._inode = _made(target.path, mode) if target.path else None
        self._path = target.path
        self.address = _address(self._sock, target)
        self.resume()

    def resume(self) -> None:
        """Accept."""
        if self._sock.fileno() >= 0:
            self._loop.add_reader(self._sock.fileno(), self._accept)

    def pause(self) -> None:
        """Let newcomers wait in the kernel's queue."""
        if self._sock.fileno() >= 0:
            self._loop.remove_reader(self._sock.fileno())

    def close(self) -> None:
        """Listen no more; a socket's file is removed if it is still ours."""
        self.pause()  # before close: the next socket may get the same number
        self._sock.close()
        with suppress(OSError):
            if self._path and os.stat(self._path).st_ino == self._inode:
                os.unlink(self._path)

    def _accept(self) -> None:
        for _ in range(AT_ONCE):
            try:
                sock, _ = self._sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._cannot_accept(error)
                return
            sock.setblocking(False)
            with suppress(OSError):  # it may be gone already
                tune(sock)
            self._accepted(sock)
            if self._sock.fileno() < 0:
                return

    def _cannot_accept(self, error: OSError) -> None:
        log.warning("cannot accept on %s: %s", self.address, error.strerror)
        if error.errno in OUT_OF_FILES:
            self.pause()
            self._clock.after(REST, self.resume)


def _bound(target: Target) -> socket.socket:
    try:
        sock = _on_path(target.path) if target.path else _on_port(target)
        sock.setblocking(False)
    except OSError as error:
        raise Unreachable(f"cannot listen on {target}: {error.strerror or error}") from error
    return sock


def _on_path(path: str) -> socket.socket:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    _remove_stale(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    return _listening(sock, path)


def _on_port(target: Target) -> socket.socket:
    family = socket.AF_INET6 if not target.host or ":" in target.host else socket.AF_INET
    if not target.host and not socket.has_dualstack_ipv6():
        family = socket.AF_INET
    host = target.host
    if host:
        found = socket.getaddrinfo(host, target.port, type=socket.SOCK_STREAM)
        family = found[0][0]
        host = str(found[0][4][0])
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(bool(target.host)))
    return _listening(sock, (host, target.port))


def _listening(sock: socket.socket, address: object) -> socket.socket:
    try:
        sock.bind(address)  # type: ignore[arg-type]
        sock.listen(BACKLOG)
    except BaseException:
        sock.close()
        raise
    return sock


def _remove_stale(path: str) -> None:
    """Make way for our socket; what is no socket, or is answered, is somebody else's."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise Invalid(
            f"{path} is in the way and is no socket", fix="move it or choose another path"
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
            return
        except BlockingIOError:
            pass  # its queue is full: somebody is there
    raise Unreachable(f"another program listens on {path}", fix="stop it or choose another path")


def _made(path: str, mode: int) -> int:
    os.chmod(path, mode)
    return os.stat(path).st_ino


def _address(sock: socket.socket, target: Target) -> str:
    if target.path:
        return str(target)
    return str(Target(host=target.host, port=int(sock.getsockname()[1])))
