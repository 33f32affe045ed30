"""A channel to a program in this process that behaves as a socket does.

Each call is a task of the callee's: a caller that gives up does not tear its work apart, deadlines
are the callee's too, failures arrive as copies, and nothing of the caller's but what the wire
would carry is seen. `sever` is what the death of the callee looks like from the caller's side.
"""

import asyncio
import logging
from asyncio import FIRST_COMPLETED
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from nsm.api.connection import Connection, Request
from nsm.api.monitoring import ConnectionEvent, Selector
from nsm.api.registration import Answer, Endpoint, NetworkService, Query, R
from nsm.errors import NsmError, TooLate, Unimplemented, Unreachable
from nsm.sdk.call import Call, Peer, TokenPath
from nsm.sdk.channel import Offer, Tokens
from nsm.sdk.clock import Clock
from nsm.sdk.files import Files
from nsm.sdk.handler import Handler
from nsm.sdk.handover import Handover
from nsm.sdk.monitor import Monitor
from nsm.sdk.registry import Registry
from nsm.sdk.streams import reading
from nsm.sdk.tasks import Tasks

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Party:
    """One side of a channel: the certificate it shows now, and its signatures."""

    peer: Callable[[], Peer]
    tokens: Tokens


class InProcess:
    """The way from `caller` to what `callee` offers; a `Channel`."""

    def __init__(
        self, offer: Offer, caller: Party, callee: Callable[[], Peer], tasks: Tasks, clock: Clock
    ) -> None:
        self.offer = offer
        self._caller = caller
        self._callee = callee
        self._tasks = tasks
        self._clock = clock
        self._handover = Handover(clock)
        self._severed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pulls: set[asyncio.Timeout] = set()
        self.connections: Handler = _Connections(self)
        self.monitor: Monitor = _Monitor(self)
        self.network_services: Registry[NetworkService] = _Registry(
            self, lambda offer: offer.network_services
        )
        self.endpoints: Registry[Endpoint] = _Registry(self, lambda offer: offer.endpoints)

    @property
    def peer(self) -> Peer:
        """Who answers."""
        return self._callee()

    @property
    def files(self) -> Files | None:
        """Files to and from the callee."""
        return self._handover.near

    @property
    def severed(self) -> bool:
        """Whether the callee is gone."""
        return self._severed.done()

    def sever(self) -> None:
        """The callee is gone: what is under way fails, and so does whatever is asked later."""
        if not self._severed.done():
            self._severed.set_result(None)
            for pulled in self._pulls:
                pulled.reschedule(self._clock.ticks())
            self._handover.close()

    def call(self, call: Call) -> Call:
        """The call as the callee sees it: only what a wire would carry."""
        return Call(
            peer=self._caller.peer(),
            token=self._caller.tokens.issue(self._callee()),
            deadline=call.deadline,
            files=self._handover.far,
            tokens=TokenPath(call.tokens.index, list(call.tokens.tokens)) if call.tokens else None,
        )

    async def ask(self, call: Call, work: Callable[[Call], Coroutine[Any, Any, T]]) -> T:
        """Let the callee do it in a task of its own, and wait for its answer."""
        theirs = self.call(call)
        answer = await self._wait(work(theirs), call.deadline)
        if call.tokens and theirs.tokens:
            call.tokens.index, call.tokens.tokens = theirs.tokens.index, theirs.tokens.tokens
            call.tokens.answerer = self.peer
        return answer

    async def _wait(self, work: Coroutine[Any, Any, T], deadline: float | None) -> T:
        """What the work comes to, unless the callee is gone or the time is up first."""
        if self.severed:
            work.close()
            raise self._gone()
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        task = self._tasks.start(f"for {self._caller.tokens.id}", _settle(answer, work))
        task.add_done_callback(lambda _: _let_go(answer, work))
        left = None if deadline is None else max(0.0, deadline - self._clock.ticks())
        try:
            await asyncio.wait((answer, self._severed), timeout=left, return_when=FIRST_COMPLETED)
        finally:
            if not answer.done():
                task.cancel()
            elif not answer.cancelled():
                answer.exception()  # we may be cancelled ourselves: nobody else will look at it
        if answer.done() and not answer.cancelled():
            return self._heard(answer)
        if self.severed or answer.cancelled():
            raise self._gone()
        raise TooLate(f"no answer within {left:.1f} s", hop=self._callee().id)

    async def stream(
        self, source: Callable[[Call], AsyncIterator[T]], call: Call
    ) -> AsyncIterator[T]:
        """What the callee sends, until either is gone."""
        async with reading(source(self.call(call))) as answers:
            while answer := await self._next(answers):
                yield answer[0]

    async def _next(self, answers: AsyncIterator[T]) -> tuple[T] | None:
        if self.severed:
            raise self._gone()
        try:
            async with asyncio.timeout(None) as pulled:
                self._pulls.add(pulled)
                async for answer in answers:
                    return (answer,)
                return None
        except Exception as error:
            raise self._gone() if pulled.expired() else _copy(error, self._callee().id) from None
        finally:
            self._pulls.discard(pulled)

    def offered(self, what: T | None, name: str) -> T:
        """What is asked for, if the callee has it."""
        if what is None:
            raise Unimplemented(f"no {name} here", hop=self._callee().id)
        return what

    def _heard(self, answer: "asyncio.Future[T]") -> T:
        error = answer.exception()
        if error is None:
            return answer.result()
        raise _copy(error, self._callee().id)

    def _gone(self) -> Unreachable:
        return Unreachable("the program is gone", hop=self._callee().id)


async def _settle(answer: "asyncio.Future[T]", work: Coroutine[Any, Any, T]) -> None:
    try:
        result = await work
    except asyncio.CancelledError:
        answer.cancel()
        raise
    except Exception as error:
        if answer.done():
            log.info("failed when nobody waited any more: %s", error)
        else:
            answer.set_exception(error)
    else:
        if not answer.done():
            answer.set_result(result)
    finally:
        del answer  # the failure in it has this frame in its traceback, which would hold it in turn


def _let_go(answer: "asyncio.Future[T]", work: Coroutine[Any, Any, T]) -> None:
    """A task that is cancelled before it began settles nothing: whoever waits is told."""
    work.close()
    answer.cancel()


def _copy(error: BaseException, hop: str) -> NsmError:
    """The failure as the wire would carry it: its kind and its words."""
    if isinstance(error, NsmError):
        return type(error)(error.cause, hop=error.hop or hop, fix=error.fix)
    if isinstance(error, TimeoutError):
        return TooLate("it took too long", hop=hop)
    log.error("%s failed", hop, exc_info=error)
    return NsmError("internal failure", hop=hop, fix="see its log")


@dataclass(frozen=True, slots=True)
class _Connections:
    channel: InProcess

    async def request(self, call: Call, request: Request) -> Connection:
        theirs = self._theirs()
        return await self.channel.ask(call, lambda call: theirs.request(call, request))

    async def close(self, call: Call, conn: Connection) -> None:
        theirs = self._theirs()
        await self.channel.ask(call, lambda call: theirs.close(call, conn))

    def _theirs(self) -> Handler:
        return self.channel.offered(self.channel.offer.connections, "connections")


@dataclass(frozen=True, slots=True)
class _Monitor:
    channel: InProcess

    def watch(self, call: Call, selector: Selector) -> AsyncIterator[ConnectionEvent]:
        theirs = self.channel.offered(self.channel.offer.monitor, "monitor")
        return self.channel.stream(lambda call: theirs.watch(call, selector), call)


@dataclass(frozen=True, slots=True)
class _Registry(Generic[R]):
    channel: InProcess
    pick: Callable[[Offer], Registry[R] | None]

    async def register(self, call: Call, record: R) -> R:
        theirs = self._theirs()
        return await self.channel.ask(call, lambda call: theirs.register(call, record))

    def find(self, call: Call, query: Query[R]) -> AsyncIterator[Answer[R]]:
        theirs = self._theirs()
        return self.channel.stream(lambda call: theirs.find(call, query), call)

    async def unregister(self, call: Call, record: R) -> None:
        theirs = self._theirs()
        await self.channel.ask(call, lambda call: theirs.unregister(call, record))

    def _theirs(self) -> Registry[R]:
        return self.channel.offered(self.pick(self.channel.offer), "registry of that kind")
