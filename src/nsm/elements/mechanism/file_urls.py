"""Namespace files on their way: `file:` within a process, `inode:` on the wire (W §4.4)."""

import asyncio
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from nsm.api.mechanism import INODE_URL, Mechanism
from nsm.api.names import InodeUrl
from nsm.errors import Denied, Invalid, NotFound, TooLate
from nsm.nouns import replace
from nsm.sdk import Call, Clock, Connection, Request
from nsm.sdk.files import Files, Inode

MOST_FILES = 16
"""Files one connection may bring."""
PATIENCE = 15.0
"""Seconds a named file may take to come, whatever the deadline."""


@dataclass(slots=True)
class Received:
    """Files a peer sent for one connection, held open, by the URL the peer knows them by.

    They are closed when this is forgotten, at the latest.
    """

    fds: dict[str, int] = field(default_factory=dict)

    def __del__(self) -> None:
        self.keep(())

    @property
    def urls(self) -> Mapping[str, str]:
        """What each file is called in this process, by its URL on the wire."""
        ours = f"file:///proc/{os.getpid()}/fd"
        return {url: f"{ours}/{fd}" for url, fd in self.fds.items()}

    async def receive(self, files: Files, url: str, patience: float) -> None:
        """Wait for this file for so many seconds at most."""
        try:
            async with asyncio.timeout(patience):
                self.fds[url] = await files.receive(inode(url))
        except TimeoutError as error:
            raise TooLate(
                f"the file {url} was named but did not come within {patience:.1f} s",
                fix="send it as SCM_RIGHTS on the connection that carries the request",
            ) from error

    async def receive_own(self, files: Files, url: str, patience: float) -> None:
        """The same; Denied for a namespace that the sender could not enter itself.

        Whoever can reach its file could have another's namespace wired, by us who may.
        """
        await self.receive(files, url, patience)
        if not files.entitled(self.fds[url]):
            os.close(self.fds.pop(url))
            raise Denied(
                f"{url} is a network namespace that its sender may not enter",
                fix="ask from within the namespace, or as root (CAP_SYS_ADMIN)",
            )

    def absorb(self, other: "Received") -> None:
        """Take over what another holds."""
        self.fds.update(other.fds)
        other.fds.clear()

    def keep(self, urls: Collection[str]) -> None:
        """Close all files but these."""
        for url in [url for url in self.fds if url not in urls]:
            os.close(self.fds.pop(url))


def patience(call: Call, clock: Clock) -> float:
    """How many seconds this call can wait for a file."""
    if call.deadline is None:
        return PATIENCE
    return max(0.0, min(PATIENCE, call.deadline - clock.ticks()))


def inode(url: str) -> Inode:
    """The file an inode URL names; Invalid where it names none."""
    file = InodeUrl.parse(url)
    return Inode(file.dev, file.ino)


def named(mechanisms: Iterable[Mechanism | None]) -> list[str]:
    """The files these mechanisms name, each once. Invalid where a peer names one by our own paths.

    Only what came through the socket is a peer's to give: a path would let it point us, with our
    rights, at any file of this host.
    """
    urls = dict.fromkeys(m.get(INODE_URL) for m in mechanisms if m and m.get(INODE_URL))
    if len(urls) > MOST_FILES:
        raise Invalid(f"{len(urls)} files for one connection", fix=f"send at most {MOST_FILES}")
    for url in urls:
        inode(url)
    return list(urls)


def offered(request: Request) -> set[str]:
    """The files a request names."""
    mechanisms = (request.connection.mechanism, *request.preferences)
    return {mechanism.get(INODE_URL) for mechanism in mechanisms if mechanism}


def with_file(mechanism: Mechanism, url: str) -> Mechanism:
    """The same mechanism, naming this file."""
    return mechanism.having(**{INODE_URL: url})


def renamed(mechanism: Mechanism, names: Mapping[str, str]) -> Mechanism:
    """The same mechanism, its file called by its other name where `names` has one."""
    other = names.get(mechanism.get(INODE_URL))
    return with_file(mechanism, other) if other else mechanism


def conn_renamed(conn: Connection, names: Mapping[str, str]) -> Connection:
    """The same connection, the file of its mechanism called by its other name."""
    if not conn.mechanism or not names:
        return conn
    return replace(conn, mechanism=renamed(conn.mechanism, names))


def send(files: Files, mechanism: Mechanism, sent: dict[str, str]) -> Mechanism:
    """Send the file a mechanism names by path, once, and say its inode instead.

    `sent` maps URLs on the wire to ours; it grows by what is sent here.
    """
    url = mechanism.get(INODE_URL)
    if not url.startswith("file://"):
        return mechanism
    wire = next((wire for wire, ours in sent.items() if ours == url), "")
    if not wire:
        number = _send_file(files, url)
        wire = str(InodeUrl(*number))
        sent[wire] = url
    return with_file(mechanism, wire)


def _send_file(files: Files, url: str) -> Inode:
    try:
        fd = os.open(url.removeprefix("file://"), os.O_PATH | os.O_CLOEXEC)
    except OSError as error:
        raise NotFound(f"cannot open {url}: {error.strerror}", fix="is it still there?") from error
    try:
        return files.send(fd)
    finally:
        os.close(fd)
