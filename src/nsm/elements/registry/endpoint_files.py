"""Sockets that come and go as files: `inode:` on the wire, a path under /proc here (W §4.4)."""

import asyncio
import os
import stat
from dataclasses import astuple

from nsm.api.names import InodeUrl
from nsm.errors import Invalid, NotFound, TooLate
from nsm.sdk import Call
from nsm.sdk.closing import GRACE
from nsm.sdk.files import Files, Inode


class EndpointFiles:
    """Peers' sockets held open, by the URLs they can be dialled at here.

    The number of a file that is closed is given to another: a URL means what it says now. All are
    closed when this is forgotten, at the latest.
    """

    def __init__(self) -> None:
        self._fds: dict[str, int] = {}

    def __del__(self) -> None:
        for url in list(self._fds):
            self.close(url)

    def __len__(self) -> int:
        return len(self._fds)

    def fd(self, url: str) -> int | None:
        """The file behind one of our URLs."""
        return self._fds.get(url)

    async def receive(self, call: Call, files: Files, wire: str) -> str:
        """Wait for the socket of that inode URL; the answer is our URL for it."""
        inode = Inode(*astuple(InodeUrl.parse(wire)))
        try:
            async with asyncio.timeout_at(_until(call)):
                fd = await files.receive(inode)
        except TimeoutError:
            raise TooLate(f"the file {wire} was never sent", fix="send it with the call") from None
        if not stat.S_ISSOCK(os.fstat(fd).st_mode):
            os.close(fd)
            raise Invalid(f"the file {wire} is no socket")
        url = f"unix:///proc/{os.getpid()}/fd/{fd}"
        self._fds[url] = fd
        return url

    def is_gone(self, url: str) -> bool:
        """Whether the socket behind one of our URLs stands at no path any more."""
        fd = self._fds.get(url)
        return fd is not None and os.fstat(fd).st_nlink == 0

    def close(self, url: str) -> None:
        """Let go of the file behind one of our URLs, if there is one."""
        if (fd := self._fds.pop(url, None)) is not None:
            os.close(fd)


def send(files: Files, fd: int) -> str:
    """Send the file; the answer is its URL on the wire."""
    return str(InodeUrl(*files.send(fd)))


def send_path(files: Files, path: str) -> str:
    """Send the file at `path`, opened only to be pointed at."""
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError as error:
        raise NotFound(f"cannot open {path}: {error.strerror}", fix="listen there first") from error
    try:
        return send(files, fd)
    finally:
        os.close(fd)


def _until(call: Call) -> float:
    in_any_case = asyncio.get_running_loop().time() + GRACE
    return in_any_case if call.deadline is None else min(call.deadline, in_any_case)
