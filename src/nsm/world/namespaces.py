"""Makes and removes a world's network namespaces; nothing appears in the host's own."""

import asyncio
import errno
import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from nsm.dataplane import encode, link
from nsm.dataplane.kernel import Kernel
from nsm.dataplane.netlink import Netlink
from nsm.dataplane.netns import Netns, returning_home, standing_in, unshare
from nsm.dataplane.ops import AddVeth, SetLink
from nsm.world import syscalls as sys
from nsm.world.ground import Home
from nsm.world.plan import Namespace
from nsm.world.rooms import furnish, write_resolv_conf
from nsm.world.wiring import wiring

SETTINGS = {
    "net/ipv4/conf/all/rp_filter": "0",
    "net/ipv4/conf/default/rp_filter": "0",
    "net/ipv4/ping_group_range": "0 2147483647",
    "net/ipv6/conf/all/disable_ipv6": "0",
    "net/ipv6/conf/default/disable_ipv6": "0",
    "net/ipv6/conf/default/accept_dad": "0",
    "net/ipv6/conf/default/accept_ra": "0",
}
"""Of every namespace: a new one inherits the host's, which may be anything."""
FORWARDING = {"net/ipv4/ip_forward": "1", "net/ipv6/conf/all/forwarding": "1"}
STAYING = {"net/ipv4/ip_forward": "0"}


class Namespaces:
    """The namespaces of one mesh; `rooms` are the pods' mount namespaces, open."""

    def __init__(
        self, home: Home, spaces: Sequence[Namespace], kernel: Callable[[], Kernel] = Kernel
    ) -> None:
        self.home = home
        self.spaces = {space.name: space for space in spaces}
        self.kernel = kernel
        self.rooms: dict[str, int] = {}
        self.adopted: set[str] = set()
        self.made: frozenset[str] = frozenset()

    async def build(self) -> None:
        """Make all of them and join them."""
        await asyncio.to_thread(prepare, self.home)
        await self.make(self.spaces)

    async def make(self, names: Iterable[str]) -> None:
        """Make some of them, or make them anew, and join them to the others."""
        anew = bool(self.made)
        wanted = [self.spaces[name] for name in names]
        await asyncio.to_thread(self._make, wanted)
        there = {
            name: Netns.open(str(self.home.namespace(name)))
            for name in self.spaces
            if self.home.namespace(name).exists()
        }
        try:
            await self._join(there, frozenset(space.name for space in wanted), anew)
        finally:
            for netns in there.values():
                netns.close()

    async def _join(self, there: Mapping[str, Netns], only: frozenset[str], anew: bool) -> None:
        up = [SetLink(there[name], "lo", up=True) for name in only]
        ops = wiring(tuple(self.spaces.values()), there, only)
        kernel = self.kernel()  # for this once: its open sockets would keep dead namespaces alive
        try:
            if anew:  # what joined a namespace that is gone may not have gone yet
                await kernel.apply(*(op.undo() for op in ops if isinstance(op, AddVeth)))
            await kernel.apply(*up, *ops)
        finally:
            await kernel.close()
        self.made |= only

    def _make(self, spaces: Sequence[Namespace]) -> None:
        for space in spaces:
            create(self.home.namespace(space.name), FORWARDING if space.is_node else STAYING)
            if space.node:
                folder = self.home.etc(space.name)
                self._room(space.name, write_resolv_conf(folder))

    def _room(self, name: str, resolv_conf: Path) -> None:
        self._close_room(name)
        self.rooms[name] = furnish(self.home.namespace(name), resolv_conf)

    def _close_room(self, name: str) -> None:
        if (fd := self.rooms.pop(name, None)) is not None:
            os.close(fd)

    def room(self, name: str) -> str:
        """The mount namespace of a pod as a path others may open; empty where there is none."""
        return f"/proc/{os.getpid()}/fd/{self.rooms[name]}" if name in self.rooms else ""

    def path(self, name: str) -> Path:
        """Where a namespace is kept; somebody else's apart, so that taking down spares it."""
        return self.home.guest(name) if name in self.adopted else self.home.namespace(name)

    def exists(self, name: str) -> bool:
        """Whether a namespace is there."""
        return self.path(name).exists()

    async def remove(self, name: str) -> None:
        """Take one away; what was in it goes with it."""
        self._close_room(name)
        await asyncio.to_thread(silence, self.home.namespace(name))
        await asyncio.to_thread(destroy, self.home.namespace(name))
        await asyncio.to_thread(shutil.rmtree, self.home.etc(name), ignore_errors=True)

    def adopt(self, name: str, path: str) -> None:
        """Keep somebody else's namespace under a name of ours, as long as it is attached."""
        self.home.guest(name).parent.mkdir(exist_ok=True)
        bind(path, self.home.guest(name))
        self.adopted.add(name)

    def release(self, name: str) -> None:
        """Let go of somebody else's namespace."""
        self.adopted.discard(name)
        destroy(self.home.guest(name))

    def close(self) -> None:
        """Let go of what is open; what was made stays."""
        for name in list(self.rooms):
            self._close_room(name)


def prepare(home: Home) -> None:
    """A folder whose mounts every mount namespace hears of, so that none outlives its end."""
    home.netns.mkdir(parents=True, exist_ok=True)
    sys.bind(home.netns, home.netns)
    sys.propagate(home.netns, sys.MS_SHARED)


def create(path: Path, settings: Mapping[str, str]) -> None:
    """A new namespace at `path`, with the kernel's settings in it."""
    with returning_home():
        unshare()
        for name, value in {**SETTINGS, **settings}.items():
            with suppress(FileNotFoundError):  # a kernel without IPv6
                Path("/proc/sys", name).write_text(value)
        bind("/proc/thread-self/ns/net", path)


def bind(source: Path | str, path: Path) -> None:
    """Keep the namespace behind `source` at `path`."""
    path.touch()
    try:
        sys.bind(source, path)
    except OSError:
        path.unlink(missing_ok=True)
        raise


def silence(path: Path) -> None:
    """Let nothing pass through a namespace any more: its end takes the kernel a while."""
    with standing_in(Netns.open(str(path))), Netlink() as kernel:
        found = link.links(kernel.ask(encode.get_links()))
        kernel.talk([encode.set_link(one.index, up=False) for one in found])


def destroy(path: Path) -> None:
    """Take a namespace's name away, and so the namespace, when nobody stands in it any more."""
    try:
        sys.unmount(path)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOENT):
            raise
    path.unlink(missing_ok=True)
