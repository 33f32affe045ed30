"""Network namespaces with a name: made, bound to a path, wired to a bridge, and removed.

Worlds build nodes and workloads with these. No process is started and the loop's own thread never
leaves its namespace.
"""

import asyncio
import ctypes
import errno
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from nsm.dataplane import encode
from nsm.dataplane.driver import Driver
from nsm.dataplane.encode import Address, Interface
from nsm.dataplane.netlink import Netlink, Refused
from nsm.dataplane.netns import OWN, Netns, returning_home, standing_in, unshare
from nsm.dataplane.ops import AddAddress, AddBridge, AddRoute, AddVeth, LinkEnd, Op, SetLink
from nsm.dataplane.plan.side import network
from nsm.errors import Denied, Invalid, NotFound, NsmError

T = TypeVar("T")

MS_BIND = 0x1000
MNT_DETACH = 2
LOOPBACK = 1
EVERYTHING = {4: "0.0.0.0/0", 6: "::/0"}

_libc = ctypes.CDLL(None, use_errno=True)


async def create(path: Path | str) -> Netns:
    """Make a namespace, its loopback up, and bind it to `path`; Invalid where one is already."""
    return await asyncio.to_thread(_create, Path(path))


async def remove(path: Path | str) -> None:
    """Unbind a namespace and remove its name; it dies with its last process. Twice is no error."""
    await asyncio.to_thread(_remove, Path(path))


async def inside(where: Netns | Path | str, work: Callable[[], T]) -> T:
    """Run something in a thread that stands in a namespace.

    A socket or process made there stays there; the thread comes back.
    """
    netns = where if isinstance(where, Netns) else Netns.open(str(where))

    def there() -> T:
        with standing_in(netns):
            return work()

    return await asyncio.to_thread(there)


async def set_kernel(where: Netns | Path | str, **values: str) -> None:
    """Write kernel settings under /proc/sys/net; a name's double underscores are its slashes."""

    def write() -> None:
        for name, value in values.items():
            Path("/proc/sys/net", *name.split("__")).write_text(value)

    await inside(where, write)


async def bridge(driver: Driver, end: LinkEnd, *addresses: Interface) -> None:
    """Make a bridge with addresses of its own."""
    given = (AddAddress(end.netns, end.name, address) for address in addresses)
    await driver.apply(AddBridge(end), *given)


async def plug(
    driver: Driver,
    end: LinkEnd,
    port: LinkEnd,
    master: str,
    addresses: Sequence[Interface] = (),
    gateways: Sequence[Address] = (),
) -> None:
    """Join `end` to the bridge `master` by a pair whose other end is `port`, with ways out."""
    where = (end.netns, end.name)
    ops: list[Op] = [AddVeth(end, port), SetLink(port.netns, port.name, master=master)]
    ops += (AddAddress(*where, address) for address in addresses)
    ops += (AddRoute(*where, network(EVERYTHING[via.version]), via) for via in gateways)
    await driver.apply(*ops)


def _create(path: Path) -> Netns:
    path.parent.mkdir(parents=True, exist_ok=True)
    _make_room(path)
    try:
        with returning_home():
            unshare()
            _wake_loopback()
            _bind(OWN, path)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise _refusal(path, error) from error
    return Netns.open(str(path))


def _make_room(path: Path) -> None:
    """An empty file to bind to; one that a crash or reboot left unbound is good enough."""
    try:
        Netns.open(str(path)).close()
    except NotFound:
        path.touch(mode=0o444, exist_ok=False)
    except Invalid:
        if not path.is_file() or path.is_symlink() or path.stat().st_size:
            raise
    else:
        raise Invalid(f"there is a namespace at {path} already", fix="remove it first")


def _remove(path: Path) -> None:
    if _libc.umount2(os.fsencode(path), MNT_DETACH) != 0:
        number = ctypes.get_errno()
        if number not in (errno.EINVAL, errno.ENOENT):
            raise _refusal(path, OSError(number, os.strerror(number)))
    path.unlink(missing_ok=True)


def _bind(source: str, target: Path) -> None:
    if _libc.mount(source.encode(), os.fsencode(target), None, MS_BIND, None) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _wake_loopback() -> None:
    with Netlink() as socket:
        answer = socket.ask(encode.set_link(LOOPBACK, up=True))
    if isinstance(answer, Refused):
        raise OSError(answer.code, str(answer))


def _refusal(path: Path, error: OSError) -> NsmError:
    cause = f"cannot make or remove the namespace at {path}: {error.strerror}"
    if error.errno in (errno.EPERM, errno.EACCES):
        return Denied(cause, fix="run as root, or with CAP_SYS_ADMIN")
    return NsmError(cause)
