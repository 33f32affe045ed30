"""What a program says that it holds, to root and its own user, on a socket of its own.

Whoever connects to NSM_INVENTORY_SOCKET is told, and hung up on. There is no secret in it.
"""

import asyncio
import logging
import os
import socket
import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from nsm.api.connection import Connection
from nsm.api.registration import Endpoint
from nsm.api.timestamp import Timestamp
from nsm.program.opened import Opened
from nsm.program.running import Program

log = logging.getLogger(__name__)

MOST = 65536
"""Things of one kind that are told."""
_CREDENTIALS = struct.Struct("=iII")


class Hop(msgspec.Struct, frozen=True):
    """One segment of a path; `expires` in seconds since 1970, 0 where it does not say."""

    name: str
    id: str
    expires: float = 0.0


class Held(msgspec.Struct, frozen=True):
    """A connection served here, under the name of the program or of its half."""

    id: str
    program: str
    index: int
    path: list[Hop]
    addresses: list[str]


class Built(msgspec.Struct, frozen=True):
    """Something in the kernel, and the connection it was made for."""

    connection: str
    netns: int
    kind: str
    what: str
    link: str = ""


class Entry(msgspec.Struct, frozen=True):
    """A record of a registry."""

    name: str
    expires: float = 0.0


class Inventory(msgspec.Struct, frozen=True, kw_only=True):
    """All that a program holds; `stale` are alarms set for what is over."""

    name: str
    pid: int
    connections: list[Held] = []
    wanted: list[str] = []
    lives: list[str] = []
    lanes: int = 0
    tasks: list[str] = []
    timers: int = 0
    stale: list[str] = []
    addresses: list[tuple[str, str]] = []
    awaited: list[tuple[str, float]] = []
    registered: list[str] = []
    entries: list[Entry] = []
    built: list[Built] = []
    vnis: list[tuple[str, int]] = []
    sockets: int = 0
    """Sockets beyond those accounted for, less those there were when the program was ready."""
    files: list[str] = []
    """What else is open that was not when it was ready, but for what belongs to those it serves."""


async def serve(program: Program, path: str) -> None:
    """Tell whoever may ask, until the program ends."""
    answering = Answering(program)
    Path(path).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    mask = os.umask(0o177)
    try:
        server = await asyncio.start_unix_server(answering.tell, path)
    finally:
        os.umask(mask)

    async def close() -> None:
        server.close()
        with suppress(FileNotFoundError):
            os.unlink(path)

    program.at_exit(close)
    program.when_ready.append(answering.settle)


class Answering:
    """Tells what there is; of descriptors, what came on top of what there was at the beginning."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.asking = 0
        self.opened = Opened()

    def settle(self) -> None:
        """From here on, every further descriptor must be somebody's."""
        self.opened.settle(self._kept())

    async def tell(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Say all, to root and to our own user."""
        self.asking += 1
        try:
            if _user_of(writer) in (0, os.geteuid()):
                sockets, files = self.opened.more_sockets(self._kept()), self.opened.more_files()
                writer.write(msgspec.json.encode(taken(self.program, sockets, files)))
                await writer.drain()
        except ConnectionError:
            log.debug("whoever asked what we hold did not wait for the answer")
        finally:
            self.asking -= 1
            writer.close()

    def _kept(self) -> int:
        return sum(self.program.holdings.sockets.all) + self.asking


def taken(program: Program, sockets: int = 0, files: Sequence[str] = ()) -> Inventory:
    """What it holds now."""
    holds = program.holdings
    lives = [one for one in program.tasks.holders if hasattr(one, "lived")]
    stores = [one.catalog for one in program.tasks.holders if hasattr(one, "catalog")]
    records = [record for store in stores for record in store if isinstance(record, Endpoint)]
    return Inventory(
        name=program.name,
        pid=os.getpid(),
        connections=[_held(name, conn) for name, conn in holds.connections.all[:MOST]],
        wanted=holds.wanted.all[:MOST],
        lives=[key for one in lives for key in one.lived][:MOST],
        lanes=sum(len(one.lanes) for one in lives),
        tasks=sorted(task.get_name() for task in asyncio.all_tasks())[:MOST],
        timers=sum(1 for _ in _alarms()),
        stale=list(_stale())[:MOST],
        addresses=holds.addresses.all[:MOST],
        awaited=holds.awaited.all[:MOST],
        registered=holds.registered.all[:MOST],
        entries=[Entry(e.name, _seconds(e.expiration_time)) for e in records[:MOST]],
        built=[Built(*each) for each in holds.built.all[:MOST]],
        vnis=holds.vnis.all[:MOST],
        sockets=sockets,
        files=list(files)[:MOST],
    )


def _held(name: str, conn: Connection) -> Held:
    path = conn.hops
    hops = [Hop(hop.name, hop.id, _seconds(hop.expires)) for hop in path.segments]
    addresses = [*conn.ip.src_ip_addrs, *conn.ip.dst_ip_addrs]
    return Held(conn.id, name, path.index, hops, addresses)


def _stale() -> Iterator[str]:
    """Alarms on the running loop that belong to a life that is over: nobody has called them off."""
    for alarm in _alarms():
        owner = getattr(alarm._callback, "__self__", None)  # noqa: SLF001 -- only asked, never used
        if getattr(owner, "current", True) is False:
            yield str(getattr(owner, "key", None) or getattr(owner, "name", "?"))


def _alarms() -> Iterator[Any]:
    """What is set to happen on the running loop, and has not been called off."""
    scheduled: list[Any] = getattr(asyncio.get_running_loop(), "_scheduled", [])
    return (alarm for alarm in scheduled if not alarm.cancelled())


def _user_of(writer: asyncio.StreamWriter) -> int:
    sock = writer.get_extra_info("socket")
    raw = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return int(_CREDENTIALS.unpack(raw)[1])


def _seconds(when: Timestamp | None) -> float:
    return when.time if when else 0.0
