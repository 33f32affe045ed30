"""A way to another program: real questions, as the bytes they are, over a wire that may fail."""

import asyncio
from collections.abc import AsyncIterator
from itertools import count

from nsm.errors import NsmError, TooLate, Unknown, Unreachable
from nsm.rpc.asking import Connections, Monitored, Registered
from nsm.rpc.metadata import gathered, token_headers
from nsm.rpc.status import failure_in
from nsm.rpc.stream import Headers
from nsm.sdk import Call, Peer, Tokens
from nsm.sdk.files import Files
from nsm.sdk.handover import Handover
from nsm.sim.files import CountedFiles
from nsm.sim.network import GIVEN_UP, Wire
from nsm.sim.serving import Answering, Calls
from nsm.wire import decode, encode, methods
from nsm.wire.methods import A, Method, Q

Item = tuple[bytes, Headers] | NsmError | None
NO_ANSWER = "no answer came before the deadline"


class SimChannel:
    """One connection from the caller's side; every call carries a fresh token."""

    def __init__(self, wire: Wire, tokens: Tokens, shown: Peer) -> None:
        self.wire = wire
        self.peer = wire.listener.peer()
        self.tokens = tokens
        self.asked: dict[int, _Exchange] = {}
        self.numbers = count(1)
        self.files: Files | None = None
        theirs: Files | None = None
        if not wire.listener.tcp:
            handover = Handover(wire.caller.clock)
            self.files = CountedFiles(handover.near, wire.caller)
            theirs = CountedFiles(handover.far, wire.listener.process)
            wire.at_end.append(handover.close)
        self.calls = Calls(wire, theirs, shown)
        wire.at_end.append(self._lost)
        wire.give_up = self._give_up
        self.connections = Connections(self)
        self.monitor = Monitored(self)
        self.network_services = Registered(
            self, methods.REGISTER_SERVICE, methods.FIND_SERVICE, methods.UNREGISTER_SERVICE
        )
        self.endpoints = Registered(
            self, methods.REGISTER_ENDPOINT, methods.FIND_ENDPOINT, methods.UNREGISTER_ENDPOINT
        )

    @property
    def usable(self) -> bool:
        """Whether new calls may be made."""
        return not self.wire.ended and not self.calls.leaving

    async def ask(
        self, method: Method[Q, A], call: Call, noun: Q, also: Headers
    ) -> tuple[A, dict[str, str]]:
        """The answer to one question, and its first headers."""
        exchange = self._begin(method, call.deadline, encode(noun), also)
        answer: tuple[bytes, Headers] | None = None
        try:
            while (item := await exchange.next()) is not None:
                answer = item
        finally:
            exchange.leave()
        if answer is None:
            raise Unknown("the peer answered nothing")
        return decode(method.answer, answer[0]), dict(answer[1])

    async def follow(self, method: Method[Q, A], call: Call, noun: Q) -> AsyncIterator[A]:
        """Every answer to one question; closing the iterator cancels the call."""
        exchange = self._begin(method, call.deadline, encode(noun), [])
        try:
            while (item := await exchange.next()) is not None:
                yield decode(method.answer, item[0])
        finally:
            exchange.leave()

    def _begin(
        self, method: Method[Q, A], deadline: float | None, data: bytes, also: Headers
    ) -> "_Exchange":
        if not self.wire.caller.alive or self.wire.ended:
            raise Unreachable("the connection is lost", hop=self.peer.id)
        if deadline is not None and deadline <= asyncio.get_running_loop().time():
            raise TooLate(NO_ANSWER)
        headers = gathered([*token_headers(self.tokens.issue(self.peer)), *also])
        exchange = _Exchange(self, next(self.numbers), method.path, streams=method.streams)
        exchange.open((headers, data, deadline))
        return exchange

    def _give_up(self) -> None:
        for exchange in list(self.asked.values()):
            if not exchange.streams:
                exchange.hear(TooLate("given up half way", hop=self.peer.id))

    def _lost(self) -> None:
        for exchange in list(self.asked.values()):
            exchange.hear(Unreachable("the connection is lost", hop=self.peer.id))


class _Exchange:
    """One question and what comes back."""

    def __init__(self, channel: SimChannel, number: int, path: str, *, streams: bool) -> None:
        self.channel = channel
        self.number = number
        self.path = path
        self.streams = streams
        self.items: list[Item] = []
        self.woken: asyncio.Future[None] | None = None
        self.late: asyncio.TimerHandle | None = None
        self.over = False
        channel.asked[number] = self

    def open(self, asked: tuple[dict[str, list[str]], bytes, float | None]) -> None:
        """Send it, unless it gets lost: then nothing is heard until somebody gives up."""
        loop, wire = asyncio.get_running_loop(), self.channel.wire
        caller, callee = wire.caller, wire.listener.process
        *_, deadline = asked
        if deadline is not None:
            self.late = loop.call_at(deadline, self.hear, TooLate(NO_ANSWER))
        wire.network.asked[str(caller)] += 1
        if wire.network.loses(caller, callee):
            loop.call_later(GIVEN_UP, self._give_up)
            return
        what = f"{self.path} of {caller}"
        answering = Answering(wire, what, self.heard, self.ended)
        begin = self.channel.calls.begin
        wire.send(True, lambda: begin(self.number, self.path, asked, answering))

    def heard(self, data: bytes, headers: Headers) -> None:
        """The callee says so."""
        self.hear((data, headers))

    def ended(self, trailers: Headers) -> None:
        """The callee has said all."""
        wire = self.channel.wire
        if not self.over and wire.network.loses(wire.listener.process, wire.caller):
            self.items = []
            asyncio.get_running_loop().call_later(GIVEN_UP, self._give_up)
            return
        self.over = True
        self.hear(failure_in(dict(trailers)))

    def hear(self, item: Item) -> None:
        self.items.append(item)
        if self.woken and not self.woken.done():
            self.woken.set_result(None)

    async def next(self) -> tuple[bytes, Headers] | None:
        """What is heard next; None when all was; or the failure."""
        while not self.items:
            self.woken = asyncio.get_running_loop().create_future()
            await self.woken
        item = self.items.pop(0)
        if isinstance(item, NsmError):
            raise type(item)(item.cause, hop=item.hop, fix=item.fix)
        return item

    def leave(self) -> None:
        """Nothing more is wanted."""
        if self.late:
            self.late.cancel()
        self.channel.asked.pop(self.number, None)
        if not self.over and self.channel.wire.caller.alive:
            self.channel.wire.send(True, lambda: self.channel.calls.cancel(self.number))

    def _give_up(self) -> None:
        self.hear(Unreachable("the connection is lost", hop=self.channel.peer.id))
