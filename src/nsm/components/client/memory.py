"""What a client keeps of its vWires, for when it and its manager die together."""

import asyncio
import logging
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from nsm.api.connection import Connection
from nsm.errors import NsmError
from nsm.nouns import replace
from nsm.sdk import Call, Element, Handler, Request
from nsm.wire import decode, encode

log = logging.getLogger(__name__)
LARGEST = 1 << 20
"""Bytes of one file; an honest one has a few hundred."""


class Memory(Element):
    """Keep each connection in a file of its own in `folder`; without a folder, nowhere.

    Tokens are left out: every hop signs anew. What was closed in vain is kept: it may stand, also
    once a hop that has forgotten it says that it is closed. It need not survive the machine, for
    the vWires don't: nothing is synced to disk.
    """

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder) if folder else None
        self.kept: dict[str, bytes] = {}
        self.in_vain: set[str] = set()

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        conn = await next.request(call, request)
        id = request.connection.id
        self.in_vain.discard(id)
        data = encode(without_tokens(replace(conn, id=id)))
        if self.folder and self.kept.get(id) != data:
            await asyncio.to_thread(_write, self._file(self.folder, id), data)
            self.kept[id] = data
        return conn

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        try:
            await next.close(call, conn)
        except BaseException:
            self.in_vain.add(conn.id)
            raise
        if self.folder and conn.id not in self.in_vain:
            self.kept.pop(conn.id, None)
            await asyncio.to_thread(_remove, self._file(self.folder, conn.id))

    async def recall(self, ids: Iterable[str]) -> dict[str, Connection]:
        """What an earlier life kept of these; what can't be read is passed over."""
        if self.folder is None:
            return {}
        files = {id: self._file(self.folder, id) for id in ids}
        found = await asyncio.to_thread(lambda: {id: _read(file) for id, file in files.items()})
        return {id: conn for id, conn in found.items() if conn is not None and conn.id == id}

    @staticmethod
    def _file(folder: Path, id: str) -> Path:
        return folder / f"{quote(id, safe='')}.vwire"


def without_tokens(conn: Connection) -> Connection:
    """The same way, with nothing in it that proves anything."""
    segments = tuple(replace(one, token="", expires=None) for one in conn.hops.segments)
    return replace(conn, path=replace(conn.hops, segments=segments))


def _write(file: Path, data: bytes) -> None:
    """All of it or what was there before; a full disk costs a restart its memory, and no vWire."""
    draft = file.with_name(f".{file.name}.new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(fd, "wb") as opened:
            opened.write(data)
        draft.replace(file)
    except OSError as error:
        log.warning("a restart will not know %s: %s", file.stem, error)


def _remove(file: Path) -> None:
    with suppress(OSError):
        file.unlink(missing_ok=True)


def _read(file: Path) -> Connection | None:
    try:
        if file.stat().st_size > LARGEST:
            raise OSError("too large to be ours")
        return decode(Connection, file.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, NsmError) as error:
        log.warning("%s is passed over: %s", file, error)
        return None
