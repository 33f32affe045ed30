"""The callee's side of a wire: its own tasks, its own deadlines, failures as trailers."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import cast

from nsm.errors import NsmError, TooLate, Unimplemented, Unreachable
from nsm.rpc.incoming import Incoming
from nsm.rpc.metadata import Metadata
from nsm.rpc.status import OK, as_failure, trailers_for
from nsm.rpc.stream import Headers
from nsm.rpc.transport import SocketTransport
from nsm.sdk.files import Files
from nsm.sdk.streams import reading
from nsm.sim.network import Listener, Wire

log = logging.getLogger(__name__)


class Answering:
    """What the caller of one call is to hear: items, then how it ended."""

    def __init__(
        self,
        wire: Wire,
        what: str,
        heard: Callable[[bytes, Headers], None],
        over: Callable[[Headers], None],
    ) -> None:
        self.wire = wire
        self.what = what
        self.heard = heard
        self.over = over

    def item(self, data: bytes, headers: Headers) -> None:
        self.wire.send(False, lambda: self.heard(data, headers))

    def end(self, trailers: Headers) -> None:
        self.wire.network.trace(f"{self.wire.listener.process}", f"{self.what}: {trailers[0][1]}")
        self.wire.send(False, lambda: self.over(trailers))


class Calls:
    """All calls on one wire."""

    def __init__(self, wire: Wire, files: Files | None, peer: object) -> None:
        self.wire = wire
        self.transport = cast("SocketTransport", SimpleNamespace(peer=peer, files=files))
        self.running: dict[int, asyncio.Task[None]] = {}
        self.since: dict[int, tuple[float, str]] = {}
        self.streaming: set[int] = set()
        self.leaving = False
        wire.calls = self
        wire.at_end.append(self.drop)

    @property
    def listener(self) -> Listener:
        return self.wire.listener

    def begin(
        self, number: int, path: str, asked: tuple[Metadata, bytes, float | None], to: Answering
    ) -> None:
        """A call arrives."""
        process = self.listener.process
        if process.alive:
            work = self._serve(number, path, asked, to)
            self.running[number] = process.tasks.start(f"serving {path}", work)
            self.since[number] = (process.clock.ticks(), path)

    def cancel(self, number: int) -> None:
        """The caller gave up."""
        if task := self.running.get(number):
            asyncio.get_running_loop().call_soon(task.cancel)

    def drop(self) -> None:
        """Nobody is left to answer to."""
        self.leaving = False
        for number in list(self.running):
            self.cancel(number)

    def leave(self) -> None:
        """Streams would not end by themselves."""
        self.leaving = True
        for number in sorted(self.streaming):
            self.cancel(number)

    async def _serve(
        self, number: int, path: str, asked: tuple[Metadata, bytes, float | None], to: Answering
    ) -> None:
        hop = self.listener.methods.hop
        try:
            await self._within(number, path, asked, to)
            to.end(OK)
        except asyncio.CancelledError:
            if not self.leaving:
                raise
            to.end(trailers_for(Unreachable("this program is stopping"), hop))
        except Exception as error:
            failure = as_failure(error)
            if failure is None:
                log.exception("%s failed at %s", path, self.listener.process)
                failure = NsmError("internal error; its cause is in the log of this program")
            to.end(trailers_for(failure, hop))
        finally:
            self.running.pop(number, None)
            self.since.pop(number, None)
            self.streaming.discard(number)

    async def _within(
        self, number: int, path: str, asked: tuple[Metadata, bytes, float | None], to: Answering
    ) -> None:
        metadata, data, deadline = asked
        incoming = Incoming(self.transport, metadata, deadline)
        methods = self.listener.methods
        try:
            async with asyncio.timeout_at(deadline) as limit:
                if unary := methods.unary.get(path):
                    to.item(await unary(incoming, data), incoming.reply)
                elif streaming := methods.streaming.get(path):
                    self.streaming.add(number)
                    if self.leaving:
                        raise Unreachable("this program is stopping")
                    await self._pour(streaming(incoming, data), to)
                else:
                    raise Unimplemented(f"there is no method {path}")
        except TimeoutError as error:
            if limit.expired():
                raise TooLate("the caller's deadline passed") from error
            raise

    async def _pour(self, messages: AsyncIterator[bytes], to: Answering) -> None:
        async with reading(messages):
            async for message in messages:
                to.item(message, [])
