"""What programs report to the supervisor: that they are ready, and how their vWires are."""

import asyncio
import logging
import os
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal, Self

import msgspec

log = logging.getLogger(__name__)
LIMIT = 1 << 16
"""Bytes of one report; an honest one has a few hundred."""
_CREDENTIALS = struct.Struct("=iII")

State = Literal["up", "connecting", "healing", "down"]


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why something is not up, as people and programs read it."""

    code: str = ""
    cause: str = ""
    hop: str = ""
    fix: str = ""


class Healed(msgspec.Struct, frozen=True, kw_only=True):
    """The last time a vWire broke: what its client noticed, and when it was carried again.

    Times are of the wall, in seconds; `died` is what ended shortly before, as the supervisor knows.
    """

    noticed: str = ""
    noticed_at: float = 0.0
    carried_at: float | None = None
    ms: float | None = None
    died: str | None = None


class Wire(msgspec.Struct, frozen=True, kw_only=True):
    """A vWire, with the fields and in the order `nsm status -o json` shows it."""

    id: str
    url: str = ""
    service: str = ""
    endpoint: str | None = None
    interface: str | None = None
    mechanism: str | None = None
    remote_mechanism: str | None = None
    src: list[str] = []
    dst: list[str] = []
    mtu: int | None = None
    path: list[str] = []
    state: State = "connecting"
    connect_ms: float | None = None
    heals: int = 0
    error: Failure | None = None
    healed: Healed | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One datagram: who speaks, and one piece of news; what else it holds is ignored."""

    name: str
    ready: bool | None = None
    connection: Wire | None = None


Heard = Callable[[int, Report], None]
"""Told the pid that spoke, as the kernel vouches for it, and what it said."""


class Listener:
    """A datagram socket that knows who speaks; what is no report is said once and dropped."""

    def __init__(self, path: Path, heard: Heard) -> None:
        self.heard = heard
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.bind(os.fsencode(path))
        path.chmod(0o600)

    def start(self) -> Self:
        """Listen on the running loop."""
        asyncio.get_running_loop().add_reader(self.socket, self._read)
        return self

    def close(self) -> None:
        """Stop listening."""
        asyncio.get_running_loop().remove_reader(self.socket)
        self.socket.close()

    def _read(self) -> None:
        with suppress(BlockingIOError):
            while True:
                data, ancillary, _, _ = self.socket.recvmsg(LIMIT, socket.CMSG_SPACE(12))
                self._hear(data, next((raw for _, _, raw in ancillary), b""))

    def _hear(self, data: bytes, credentials: bytes) -> None:
        pid = _CREDENTIALS.unpack(credentials)[0] if len(credentials) == 12 else 0
        try:
            report = msgspec.json.decode(data, type=Report)
        except msgspec.MsgspecError as error:
            log.warning("process %d sent what is no report: %s", pid, error)
            return
        self.heard(pid, report)
