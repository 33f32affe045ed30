"""Hears of interfaces that come, change and go in a namespace."""

import asyncio
import socket
from collections.abc import Callable
from typing import Self

from nsm.dataplane import rtnl
from nsm.dataplane.kernel import Kernel
from nsm.dataplane.netns import Netns

ROOM = 1 << 16


class LinkWatch:
    """Calls `heard` on the loop, once for however many changes came together."""

    def __init__(self, wire: socket.socket, heard: Callable[[], None]) -> None:
        self._wire = wire
        self._heard = heard
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(wire.fileno(), self._drain)

    @classmethod
    async def of(cls, kernel: Kernel, netns: Netns, heard: Callable[[], None]) -> Self:
        """Begin to listen; nothing that happens after this is missed."""
        return cls(await kernel.inside(netns, _listen), heard)

    def close(self) -> None:
        """Hear no more."""
        self._loop.remove_reader(self._wire.fileno())
        self._wire.close()

    def _drain(self) -> None:
        """Only that something changed matters; what was lost in an overflow is a change as well."""
        while True:
            try:
                self._wire.recv(ROOM)
            except BlockingIOError:
                break
            except OSError:
                continue
        self._heard()


def _listen() -> socket.socket:
    wire = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, rtnl.NETLINK_ROUTE)
    wire.bind((0, rtnl.RTMGRP_LINK))
    wire.setblocking(False)
    return wire
