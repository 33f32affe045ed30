"""Connect sockets to where a URL leads."""

import asyncio
import socket
from collections.abc import AsyncIterator

from nsm.errors import Unreachable
from nsm.rpc.target import Target
from nsm.sdk.clock import Clock

QUEUE_FULL = 0.005
"""Seconds to wait when a unix socket's queue is full: the kernel has no way to tell us more."""
KEEP_ALIVE = {
    socket.TCP_KEEPIDLE: 1,
    socket.TCP_KEEPINTVL: 1,
    socket.TCP_KEEPCNT: 3,
    socket.TCP_USER_TIMEOUT: 2_500,
}
"""A host that is cut off is noticed by the kernel within 3 s, with or without traffic.

A second is asked every second and may go unanswered twice; what was sent, and is not acknowledged,
was sent again four times by then. It is kernels that answer: a program may be as slow as it likes.
"""


async def connected(target: Target, clock: Clock) -> socket.socket:
    """A connected, non-blocking socket; Unreachable when there is nobody."""
    try:
        if target.path:
            return await _to_path(target.path, clock)
        return await _to_host(target)
    except OSError as error:
        raise Unreachable(f"{target} cannot be reached: {error.strerror or error}") from error


def tune(sock: socket.socket) -> None:
    """Send small frames at once, and notice dead peers; nothing to do on a unix socket."""
    if sock.family != socket.AF_UNIX:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in KEEP_ALIVE.items():
            sock.setsockopt(socket.IPPROTO_TCP, option, value)


async def _to_path(path: str, clock: Clock) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.setblocking(False)
    try:
        while not _joined(sock, path):
            await clock.sleep(QUEUE_FULL)
    except BaseException:
        sock.close()
        raise
    return sock


def _joined(sock: socket.socket, path: str) -> bool:
    # Not loop.sock_connect: it takes EAGAIN, a full queue, for a connection under way.
    try:
        sock.connect(path)
    except BlockingIOError:
        return False
    return True


async def _to_host(target: Target) -> socket.socket:
    failure: OSError = OSError(f"{target.host} has no address")
    async for family, address in _addresses(target):
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setblocking(False)
        try:
            tune(sock)
            await asyncio.get_running_loop().sock_connect(sock, address)
        except OSError as error:
            failure = error
            sock.close()
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    try:
        raise failure
    finally:
        del failure  # its traceback has this frame


async def _addresses(target: Target) -> AsyncIterator[tuple[int, tuple[str, int]]]:
    host = target.host or "localhost"
    try:
        found = socket.getaddrinfo(
            host, target.port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
        )
    except socket.gaierror:  # a name: asked for in a thread, it may take long
        found = await asyncio.get_running_loop().getaddrinfo(
            host, target.port, type=socket.SOCK_STREAM
        )
    for family, _, _, _, address in found:
        yield family, address  # type: ignore[misc]
