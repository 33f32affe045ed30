"""Whether packets pass: echoes sent through a vWire from inside its namespace, without forking."""

import asyncio
import errno
import logging
import secrets
import socket
from collections.abc import Awaitable, Callable
from functools import lru_cache
from itertools import islice

from nsm.api import cidr
from nsm.api.connection import Connection
from nsm.api.mechanism import KERNEL, NAME
from nsm.elements.liveness.echo import answers, echo

log = logging.getLogger(__name__)

Sockets = Callable[[Callable[[], socket.socket]], Awaitable[socket.socket]]
"""Makes a socket in the namespace that has the vWire's near end."""

TRIES = 4
MOST_PAIRS = 16
"""Address pairs asked in one check; a peer may claim to have thousands."""


class CheckLiveness:
    """Alive while every pair of addresses answers one echo of four (W §2.3).

    What is no kernel interface, has no addresses, or may not be asked by us counts as alive.
    """

    def __init__(self, sockets: Sockets, within: float = 1.0) -> None:
        self.sockets = sockets
        self.within = within

    async def __call__(self, conn: Connection) -> bool:
        """Ask all pairs side by side; each try has its share of `within` seconds."""
        if not conn.mechanism or conn.mechanism.type != KERNEL:
            return True
        name = conn.mechanism.get(NAME)
        asked = [self._asked(name, *pair) for pair in pairs(conn)]
        if len(asked) == 1:  # as most have, five times a second: no task is made for that
            return await asked[0]
        return all(await asyncio.gather(*asked))

    async def was_moved(self, conn: Connection) -> bool:
        """Whether its interface is there, and has none of its addresses.

        Then somebody moved it for us, and the answer that said so never came.
        """
        name = conn.mechanism.get(NAME) if conn.mechanism else ""
        said = [await self._refusal(name, *pair) for pair in pairs(conn)]
        return bool(said) and all(number == errno.EADDRNOTAVAIL for number in said)

    async def _refusal(self, interface: str, source: str, target: str) -> int | None:
        """Why there is no asking from there, as the system numbers it."""
        try:
            sock = await self.sockets(lambda: echo_socket(interface, source, target))
        except OSError as error:
            return error.errno
        sock.close()
        return None

    async def _asked(self, interface: str, source: str, target: str) -> bool:
        try:
            sock = await self.sockets(lambda: echo_socket(interface, source, target))
        except PermissionError:
            log.warning("may send no echoes: run with CAP_NET_RAW, or widen ping_group_range")
            return True
        except OSError as error:
            log.info("%s from %s: %s", interface, source, error)
            return False
        with sock:
            return await self._echoed(sock, 6 if ":" in target else 4)

    async def _echoed(self, sock: socket.socket, version: int) -> bool:
        loop, token = asyncio.get_running_loop(), secrets.token_bytes(16)
        raw = sock.type == socket.SOCK_RAW
        for sequence in range(1, TRIES + 1):
            try:
                await loop.sock_sendall(sock, echo(version, sequence, token))
                async with asyncio.timeout(self.within / TRIES):
                    while not answers(
                        version, await loop.sock_recv(sock, 2048), token, with_header=raw
                    ):
                        pass
                return True
            except TimeoutError:
                continue
            except OSError:  # no route, interface gone or down: the next try may find it mended
                await asyncio.sleep(self.within / TRIES)
        return False


def pairs(conn: Connection) -> tuple[tuple[str, str], ...]:
    """Every source with every destination of its family, as plain addresses."""
    return _pairs(conn.ip.src_ip_addrs, conn.ip.dst_ip_addrs)


@lru_cache(1024)
def _pairs(near: tuple[str, ...], far: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    sources, targets = ([cidr.host(text) for text in texts] for texts in (near, far))
    both = ((str(s), str(t)) for s in sources for t in targets if s.version == t.version)
    return tuple(islice(both, MOST_PAIRS))


def echo_socket(interface: str, source: str, target: str) -> socket.socket:
    """A socket for echoes to one address through one interface; call it in their namespace."""
    family = socket.AF_INET6 if ":" in target else socket.AF_INET
    protocol = socket.IPPROTO_ICMPV6 if ":" in target else socket.IPPROTO_ICMP
    sock = _unprivileged_or_raw(family, protocol)
    try:
        sock.setblocking(False)
        if interface:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
        sock.bind((source, 0))
        sock.connect((target, 0))
    except BaseException:
        sock.close()
        raise
    return sock


def _unprivileged_or_raw(family: int, protocol: int) -> socket.socket:
    try:
        return socket.socket(family, socket.SOCK_DGRAM, protocol)
    except PermissionError:
        return socket.socket(family, socket.SOCK_RAW, protocol)
