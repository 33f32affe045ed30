"""The authority's admin socket: for its own user and root, by the kernel's word (SO_PEERCRED)."""

import asyncio
import json
import logging
import os
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from nsm.components.identity import orders
from nsm.errors import Denied, Invalid, NotFound, NsmError, Unreachable
from nsm.identity import ledger
from nsm.identity.authority import Authority
from nsm.identity.entries import Entry, read_entries
from nsm.identity.roster import Roster

log = logging.getLogger(__name__)

AT_ONCE = 16
"""Connections."""
PATIENCE = 30.0
"""Seconds a connection may stay silent."""


def path_beside(socket_path: str) -> str:
    """Where the admin socket of an authority is, whose Workload API is at `socket_path`."""
    return str(Path(socket_path).with_suffix(".admin.sock"))


class Admin:
    """Answers orders, one at a time; `kept` is called when there are new roots to keep."""

    def __init__(
        self, path: str, authority: Authority, roster: Roster, kept: Callable[[], Awaitable[None]]
    ) -> None:
        self.path = path
        self._authority = authority
        self._roster = roster
        self._kept = kept
        self._server: asyncio.Server | None = None
        self._one = asyncio.Lock()
        self._guests: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        """Listen."""
        self._unlink()  # whoever listened here listened at the Workload API's socket, too
        mask = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(
                self._serve, self.path, limit=orders.LIMIT
            )
        except OSError as error:
            raise Unreachable(f"cannot listen on {self.path}: {error.strerror}") from error
        finally:
            os.umask(mask)

    def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()
            self._unlink()
        for guest in self._guests:
            guest.close()

    def _unlink(self) -> None:
        Path(self.path).unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._guests.add(writer)
        try:
            with suppress(ConnectionError, ValueError, TimeoutError):  # gone, silent, or endless
                await self._converse(reader, writer)
        finally:
            self._guests.discard(writer)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        may = _may_ask(writer.get_extra_info("socket")) and len(self._guests) <= AT_ONCE
        while True:
            async with asyncio.timeout(PATIENCE):
                line = await reader.readline()
            if not line:
                return
            answer = await self._answer(line) if may else _told(Denied(REFUSED))
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()

    async def _answer(self, line: bytes) -> dict[str, object]:
        try:
            order = msgspec.json.decode(line, type=orders.Any)
            async with self._one:
                return {"ok": await self._obey(order)}
        except NsmError as error:
            return _told(error)
        except msgspec.MsgspecError as error:
            return _told(Invalid(f"the authority cannot read this: {error}"))
        except Exception:
            log.exception("while obeying")
            return _told(NsmError("the authority failed", fix="see its log"))

    async def _obey(self, order: orders.Any) -> object:
        match order:
            case orders.Rotate():
                return await self._rotate(order.what)
            case orders.List():
                await self._roster.refresh()
                return [entry.plain() for entry in self._roster.entries]
            case orders.Add():
                entry = self._read(order.entry)
                await self._change(lambda text, domain: ledger.added(text, entry, domain))
                return [entry.plain()]
            case orders.Remove():
                return await self._remove(order)

    async def _rotate(self, what: str) -> object:
        if what == "leaf":
            self._authority.reissue()
            return {"rotated": "leaf"}
        if what == "intermediate":
            self._authority.rotate_intermediate()
            return {"rotated": "intermediate"}
        if what != "authority":
            raise Invalid(f"{what[:40]!r} cannot be rotated", fix="leaf, intermediate or authority")
        self._authority.rotate()
        await self._kept()
        roots, settling = len(self._authority.roots), self._authority.settling
        return {"rotated": "authority", "roots": roots, "signs_in_seconds": settling}

    async def _remove(self, order: orders.Remove) -> object:
        await self._roster.refresh()
        this = self._read(order.entry) if order.entry else None
        of_id = [entry for entry in self._roster.entries if str(entry.id) == order.id]
        gone = [entry for entry in of_id if this in (None, entry)]
        if not gone:
            raise NotFound(f"{order.id[:200]} has no such entry", fix="nsm identity entry list")
        await self._change(lambda text, domain: ledger.removed(text, gone, domain))
        return [entry.plain() for entry in gone]

    async def _change(self, change: Callable[[str, str], str]) -> None:
        text = await asyncio.to_thread(self._roster.text)
        new = change(text, self._authority.trust_domain)
        await asyncio.to_thread(ledger.replace, self._roster.file, new)
        await self._roster.refresh()

    def _read(self, plain: dict[str, str | int]) -> Entry:
        (entry,) = read_entries(json.dumps({"entries": [plain]}), self._authority.trust_domain)
        return entry


REFUSED = "only the authority's own user, and root, may ask it, and not too many at once"


def _may_ask(sock: socket.socket) -> bool:
    _, uid, _ = struct.unpack("iII", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return uid in (0, os.geteuid())


def _told(error: NsmError) -> dict[str, object]:
    told = {"code": error.status, "cause": error.cause, "hop": error.hop, "fix": error.fix}
    return {"error": told}
