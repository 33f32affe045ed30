"""What a program tells whoever started it: that it is ready, and how its vWires are."""

import asyncio
import json
import socket

STATUS_SOCKET = "NSM_STATUS_SOCKET"
"""The variable that says where."""
MOST = 4096
"""Pieces of news that may wait; the oldest make way."""


class Reporter:
    """Tells whoever listens at a datagram socket; nobody there, or no socket, is no failure.

    The kernel lets few datagrams wait there (net.unix.max_dgram_qlen: 10). What finds no room waits
    here until it does, of each vWire the newest.
    """

    def __init__(self, where: str | None, name: str) -> None:
        self._where = where
        self._name = name
        self._waiting: dict[object, bytes] = {}
        self._sock: socket.socket | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def tell(self, **news: object) -> None:
        """Say this, now or as soon as it is heard."""
        if not self._where:
            return
        about = news.get("connection")
        key = about.get("id") if isinstance(about, dict) else tuple(news)
        self._waiting.pop(key, None)
        self._waiting[key] = json.dumps({"name": self._name, **news}).encode()
        if len(self._waiting) > MOST:
            del self._waiting[next(iter(self._waiting))]
        self._say()

    def close(self) -> None:
        """Say no more."""
        self._waiting.clear()
        self._hang_up()

    def _say(self) -> None:
        try:
            sock = self._connected()
            while self._waiting:
                key = next(iter(self._waiting))
                sock.send(self._waiting[key])
                del self._waiting[key]
        except BlockingIOError:
            asyncio.get_running_loop().add_writer(sock, self._say)
        except OSError:
            self.close()
        else:
            asyncio.get_running_loop().remove_writer(sock)

    def _connected(self) -> socket.socket:
        if self._sock is None:
            self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
            self._sock.connect(self._where or "")
        return self._sock

    def _hang_up(self) -> None:
        if self._sock is not None:
            asyncio.get_running_loop().remove_writer(self._sock)
            self._sock.close()
            self._sock = None
