"""Open files that travel beside messages."""

from typing import NamedTuple, Protocol


class Inode(NamedTuple):
    """What a file is known by on both sides of a socket: raw `st_dev` and `st_ino`."""

    dev: int
    ino: int


class Files(Protocol):
    """The files of one connection between two processes (SCM_RIGHTS on a unix socket)."""

    def send(self, fd: int) -> Inode:
        """Queue a duplicate of `fd` to leave with the next bytes; the caller keeps its own."""
        ...

    async def receive(self, inode: Inode) -> int:
        """A descriptor of that file, the caller's to close; waits until it has come.

        Raises Unreachable when the socket closes first. Bound the wait with a deadline.
        """
        ...

    def entitled(self, fd: int) -> bool:
        """Whether the peer's process could enter the network namespace behind `fd` itself.

        True for what is none, and where the kernel does not show us that process.
        """
        ...
