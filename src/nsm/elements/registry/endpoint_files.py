"""Sockets that come and go as files: `inode:` on the wire, a path under /proc here (W §4.4)."""

import asyncio
import os
import re
import stat
from itertools import count

from nsm.errors import Invalid, NotFound, TooLate
from nsm.sdk import Call
from nsm.sdk.closing import GRACE
from nsm.sdk.files import Files, Inode

ON_THE_WIRE = re.compile(r"inode://([0-9]{1,20})/([0-9]{1,20})")


class EndpointFiles:
    """Peers' sockets held open, by the URLs they can be dialled at here.

    Descriptors are numbered anew and again; the fragment tells a URL from an earlier one, so that
    nobody who keeps channels by URL takes a new endpoint for an old one.
    """

    def __init__(self) -> None:
        self._fds: dict[str, int] = {}
        self._numbers = count(1)

    def __len__(self) -> int:
        return len(self._fds)

    def fd(self, url: str) -> int | None:
        """The file behind one of our URLs."""
        return self._fds.get(url)

    async def receive(self, call: Call, files: Files, wire: str) -> str:
        """Wait for the socket of that inode URL; the answer is our URL for it."""
        inode = inode_of(wire)
        try:
            async with asyncio.timeout_at(_until(call)):
                fd = await files.receive(inode)
        except TimeoutError:
            raise TooLate(f"the file {wire} was never sent", fix="send it with the call") from None
        if not stat.S_ISSOCK(os.fstat(fd).st_mode):
            os.close(fd)
            raise Invalid(f"the file {wire} is no socket")
        url = f"unix:///proc/{os.getpid()}/fd/{fd}#{next(self._numbers)}"
        self._fds[url] = fd
        return url

    def close(self, url: str) -> None:
        """Let go of the file behind one of our URLs, if there is one."""
        if (fd := self._fds.pop(url, None)) is not None:
            os.close(fd)


def is_wire(url: str) -> bool:
    """Whether the URL names a file by its inode."""
    return url.startswith("inode:")


def inode_of(url: str) -> Inode:
    """The file an inode URL names; Invalid where it names none."""
    if found := ON_THE_WIRE.fullmatch(url):
        return Inode(int(found[1]), int(found[2]))
    raise Invalid(f"{url[:100]!r} is no inode URL", fix="write inode://<st_dev>/<st_ino>")


def send(files: Files, fd: int) -> str:
    """Send the file; the answer is its URL on the wire."""
    inode = files.send(fd)
    return f"inode://{inode.dev}/{inode.ino}"


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
