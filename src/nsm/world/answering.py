"""The supervisor's side of its control socket."""

import asyncio
import logging
import os
import signal
from contextlib import suppress

import msgspec

from nsm.errors import Invalid, NsmError
from nsm.world import asking
from nsm.world.claims import claims
from nsm.world.control import missing, told
from nsm.world.hosting import Hosting
from nsm.world.supervisor import Supervisor
from nsm.world.who import find

log = logging.getLogger(__name__)


class Answering:
    """Answers one question at a time on each connection, any number of connections."""

    def __init__(self, supervisor: Supervisor) -> None:
        self.supervisor = supervisor
        self.hosting = Hosting(supervisor)
        self.server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen; only the owner of the mesh may ask."""
        path = self.supervisor.home.control
        mask = os.umask(0o177)
        try:
            self.server = await asyncio.start_unix_server(self._serve, path, limit=asking.LIMIT)
        finally:
            os.umask(mask)

    def close(self) -> None:
        """Stop listening."""
        if self.server is not None:
            self.server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, ValueError):  # gone, or a line without an end
            while line := await reader.readline():
                writer.write(msgspec.json.encode(await self._answer(line)) + b"\n")
                await writer.drain()
        writer.close()

    async def _answer(self, line: bytes) -> dict[str, object]:
        try:
            asked = msgspec.json.decode(line, type=asking.Any)
            return {"ok": await self.dispatch(asked)}
        except NsmError as error:
            return {"error": told(error)}
        except msgspec.MsgspecError as error:
            return {"error": told(Invalid(f"the supervisor can't read this: {error}"))}
        except Exception as error:
            log.exception("while answering")
            return {"error": told(NsmError(f"the supervisor failed: {error!r}", fix="see its log"))}

    async def dispatch(self, asked: asking.Any) -> object:
        """Do what is asked."""
        match asked:
            case asking.Status() | asking.Claims():
                return await self._told(asked)
            case asking.Down():
                self.supervisor.over.set()
                return {}
            case asking.Wait():
                return await self._wait(asked)
            case asking.Attach():
                return await self.hosting.attach(asked)
            case asking.Detach():
                return await self.hosting.detach(asked)
            case asking.Kill() | asking.Restart() | asking.Place():
                return await self._about(asked)

    async def _told(self, asked: asking.Status | asking.Claims) -> object:
        """How it is, or what should be there."""
        if isinstance(asked, asking.Claims):
            return await claims(self.supervisor)
        return self.supervisor.status()

    async def _about(self, asked: asking.Kill | asking.Restart | asking.Place) -> object:
        """Do what is asked about one process."""
        job = find(self.supervisor.jobs.all, asked.who)
        match asked:
            case asking.Kill():
                await self.supervisor.kill(job, _signal(asked.signal), asked.gone)
            case asking.Restart():
                await self.supervisor.restart(job)
            case asking.Place():
                return self.supervisor.place(job)
        return {"name": job.who, "pid": job.pid}

    async def _wait(self, asked: asking.Wait) -> object:
        """Whether all are up in time, and the status that says so."""
        wanted = [find(self.supervisor.jobs.all, who).who for who in asked.who]
        reached = await self.supervisor.until(
            lambda: not missing(self.supervisor.status(), wanted), asked.within
        )
        shown = self.supervisor.status()
        return {"up": reached, "missing": missing(shown, wanted), "status": shown}


def _signal(number: int) -> signal.Signals:
    try:
        return signal.Signals(number)
    except ValueError:
        raise Invalid(f"{number} is no signal", fix="`kill -l` names them") from None
