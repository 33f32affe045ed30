"""Removes interfaces out of everyone's way.

A delete waits 20 to 40 ms for the kernel, however many go at once; so the doomed of a namespace
are gathered in a link group and removed together, by threads that nobody waits for.
"""

import errno
import logging
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Lock

from nsm.dataplane import encode, rtnl
from nsm.dataplane.link import Link
from nsm.dataplane.netlink import Netlink, Refused
from nsm.dataplane.netns import Key, Netns, standing_in

log = logging.getLogger(__name__)

DOOMED = 0x6E736D00
"""The link group of interfaces that are on their way out."""
THREADS = 4


def doom(socket: Netlink, link: Link, *, group: bool) -> None:
    """Free a link's name at once and stop its traffic; with `group` it is the reaper's from now on.

    Going down takes its routes and IPv6 addresses at once. A tunnel stays up, as its going down
    waits for its socket to go. Before kernel 6.2 only a link that is down can be renamed.
    """
    down = encode.set_link(link.index, up=False)
    mark = encode.set_link(link.index, encode.number(rtnl.IFLA_GROUP, DOOMED))
    rename = encode.set_link(link.index, encode.text(rtnl.IFLA_IFNAME, f"~{link.index:x}"))
    first = ([] if link.kind == "vxlan" else [down]) + ([mark] if group else [])
    renamed = socket.talk([*first, rename])[-1]
    if isinstance(renamed, Refused) and renamed.code == errno.EBUSY:
        renamed = socket.talk([down, rename])[-1]
    if isinstance(renamed, Refused):
        socket.ask(encode.delete_link(link.index))


class Reaper:
    """A few threads that delete link groups, one namespace at a time each."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="nsm-reaper")
        self._lock = Lock()
        self._waiting: dict[Key, Future[None]] = {}
        self._working: set[Future[None]] = set()

    def collect(self, netns: Netns) -> None:
        """Remove the doomed of a namespace soon; those added before that begins go with them."""
        with self._lock:
            if netns.key not in self._waiting:
                work = self._pool.submit(self._reap, netns)
                self._waiting[netns.key] = work
                self._working = {w for w in self._working if not w.done()} | {work}

    def wait(self) -> bool:
        """Block until all that was collected so far is gone; False if there was nothing."""
        with self._lock:
            working = tuple(self._working)
        wait(working)
        return bool(working)

    def close(self) -> None:
        """Finish, then take no more."""
        self._pool.shutdown(wait=True)

    def _reap(self, netns: Netns) -> None:
        with self._lock:
            self._waiting.pop(netns.key, None)
        try:
            with standing_in(netns):
                socket = Netlink()
            with socket:
                socket.ask(encode.delete_group(DOOMED))
        except Exception:
            log.exception("could not remove interfaces from %r", netns)
