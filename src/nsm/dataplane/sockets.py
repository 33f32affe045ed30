"""Netlink sockets kept open, one a namespace, for as long as they are in use."""

from collections import OrderedDict

from nsm.dataplane.netlink import Netlink
from nsm.dataplane.netns import Key, Netns, standing_in

MOST = 64
IDLE = 2.0
"""Seconds between clearings: a socket that stays open keeps a dead workload's namespace."""


class Sockets:
    """Belongs to one worker thread; opening takes 0.1 ms, so few are kept and not for long."""

    def __init__(self) -> None:
        self._open: OrderedDict[Key, Netlink] = OrderedDict()
        self._used: set[Key] = set()

    def __len__(self) -> int:
        return len(self._open)

    def of(self, netns: Netns) -> Netlink:
        """A socket that speaks for `netns`."""
        socket = self._open.pop(netns.key, None) or self._fresh(netns)
        self._open[netns.key] = socket
        self._used.add(netns.key)
        if len(self._open) > MOST:
            self._open.popitem(last=False)[1].close()
        return socket

    def expire(self) -> bool:
        """Close those not used since this was last called; whether any are left."""
        for key in self._open.keys() - self._used:
            self._open.pop(key).close()
        self._used.clear()
        return bool(self._open)

    def close(self) -> None:
        """Close all."""
        for socket in self._open.values():
            socket.close()
        self._open.clear()

    @staticmethod
    def _fresh(netns: Netns) -> Netlink:
        with standing_in(netns):
            return Netlink()
