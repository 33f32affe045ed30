"""Network namespaces: opening one by what a peer or a user calls it, and standing in it."""

import ctypes
import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import ioctl
from typing import NamedTuple, Self
from urllib.parse import unquote, urlsplit

from nsm.errors import Denied, Invalid, NotFound, NsmError

CLONE_NEWNET = 0x40000000
NS_GET_NSTYPE = 0xB703
OWN = "/proc/thread-self/ns/net"
LONGEST_PATH = 4096

_libc = ctypes.CDLL(None, use_errno=True)


class Key(NamedTuple):
    """What a namespace is known by for as long as it lives: its nsfs device and inode."""

    dev: int
    ino: int


class Netns:
    """A network namespace held open; equal to another handle of the same namespace.

    The descriptor is closed with the last reference, or by `close`. Holding it keeps the namespace
    alive, so hold it no longer than the connection it is for.
    """

    __slots__ = ("_fd", "key")

    def __init__(self, fd: int, key: Key) -> None:
        self._fd = fd
        self.key = key

    @classmethod
    def open(cls, name: str) -> Self:
        """Open what a file URL or path names: a bind mount, `/proc/<pid>/ns/net`, or `…/fd/<n>`.

        An O_PATH descriptor behind `/proc/<pid>/fd/<n>` is opened anew for reading. Raises Invalid
        for what is no network namespace, NotFound for what is not there.
        """
        path = _path(name)
        try:
            named = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError as error:
            raise _refusal(path, error) from error
        try:
            return cls._reopened(named, path)
        finally:
            os.close(named)

    @classmethod
    def take(cls, fd: int) -> Self:
        """A handle of the namespace behind a descriptor, O_PATH or not; `fd` stays the caller's."""
        return cls.open(f"/proc/self/fd/{fd}")

    @classmethod
    def current(cls) -> Self:
        """The namespace the calling thread stands in."""
        return cls.open(OWN)

    @classmethod
    def _reopened(cls, named: int, path: str) -> Self:
        """Read-only, from an O_PATH descriptor: a device or pipe is never opened to find out."""
        found = os.fstat(named)
        fd = _open_anew(named) if stat.S_ISREG(found.st_mode) else -1
        if fd < 0:
            raise Invalid(
                f"{path} is not a network namespace",
                fix="send the file of a network namespace, such as /proc/<pid>/ns/net",
            )
        return cls(fd, Key(found.st_dev, found.st_ino))

    @property
    def fd(self) -> int:
        """The open descriptor; NotFound once closed."""
        if self._fd < 0:
            raise NotFound(f"network namespace {self.key.ino} is already let go")
        return self._fd

    def close(self) -> None:
        """Let go of the namespace; twice is no error."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def __del__(self) -> None:
        if getattr(self, "_fd", -1) >= 0:
            self.close()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Netns) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return f"Netns({self.key.ino})"


def _path(name: str) -> str:
    """The path in a `file:` URL, or the text itself where it is one; Invalid for anything else."""
    if not name.startswith("/"):
        parts = urlsplit(name)
        if parts.scheme != "file" or parts.netloc not in ("", "localhost"):
            raise Invalid(f"{name[:200]!r} names no namespace here", fix="use a file:/// URL")
        name = unquote(parts.path)
    if not name.startswith("/") or "\0" in name or len(name) > LONGEST_PATH:
        raise Invalid("a namespace's path must be absolute, without NUL and at most 4096 bytes")
    return name


def _open_anew(named: int) -> int:
    """A readable descriptor of a network namespace; -1 where the file is something else."""
    try:
        fd = os.open(f"/proc/self/fd/{named}", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return -1
    try:
        kind = ioctl(fd, NS_GET_NSTYPE)
    except OSError:
        kind = 0
    if kind != CLONE_NEWNET:
        os.close(fd)
        return -1
    return fd


def _refusal(path: str, error: OSError) -> NsmError:
    if error.errno in (errno.EACCES, errno.EPERM):
        return Denied(f"may not open {path}", fix="run as root, or with CAP_SYS_ADMIN")
    if error.errno in (errno.ENOENT, errno.ESRCH, errno.ENOTDIR):
        return NotFound(f"{path} is not there", fix="the process or namespace has gone; ask again")
    return Invalid(f"cannot open {path}: {error.strerror}")


def enter(fd: int) -> None:
    """Move the calling thread, and no other, into the namespace behind `fd`."""
    if _libc.setns(fd, CLONE_NEWNET) != 0:
        raise _os_error("setns")


def unshare() -> None:
    """Give the calling thread, and no other, a network namespace that is new and empty."""
    if _libc.unshare(CLONE_NEWNET) != 0:
        raise _os_error("unshare")


@contextmanager
def standing_in(netns: Netns) -> Iterator[None]:
    """Run a block with the calling thread in `netns`; never on the loop's own thread."""
    with returning_home():
        enter(netns.fd)
        yield


@contextmanager
def returning_home() -> Iterator[None]:
    """Put the calling thread back into its namespace after a block that leaves it."""
    home = os.open(OWN, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield
    finally:
        try:
            if not os.path.samestat(os.fstat(home), os.stat(OWN)):
                enter(home)
        finally:
            os.close(home)


def _os_error(what: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"{what}: {os.strerror(number)}")
