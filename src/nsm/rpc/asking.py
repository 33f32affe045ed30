"""What a peer offers, as questions that can be put to it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Generic, Protocol

from nsm.api.connection import Connection, Request
from nsm.api.monitoring import ConnectionEvent, Selector
from nsm.api.registration import Answer, Query, R
from nsm.rpc.metadata import path_header, path_in
from nsm.rpc.stream import Headers
from nsm.sdk.call import Call, Peer, TokenPath
from nsm.wire import methods
from nsm.wire.methods import A, Method, Q


class Asking(Protocol):
    """Whoever puts questions to one peer."""

    @property
    def peer(self) -> Peer:
        """Who answers."""
        ...

    async def ask(
        self, method: Method[Q, A], call: Call, noun: Q, also: Headers
    ) -> tuple[A, dict[str, str]]:
        """The answer to one question, and its first headers."""
        ...

    def follow(self, method: Method[Q, A], call: Call, noun: Q) -> AsyncIterator[A]:
        """Every answer to one question; closing the iterator cancels the call."""
        ...


@dataclass(frozen=True, slots=True)
class Connections:
    """The peer's connections."""

    channel: Asking

    async def request(self, call: Call, request: Request) -> Connection:
        connection, _ = await self.channel.ask(methods.REQUEST, call, request, [])
        return connection

    async def close(self, call: Call, conn: Connection) -> None:
        await self.channel.ask(methods.CLOSE, call, conn, [])


@dataclass(frozen=True, slots=True)
class Monitored:
    """The peer's connections, watched."""

    channel: Asking

    def watch(self, call: Call, selector: Selector) -> AsyncIterator[ConnectionEvent]:
        return self.channel.follow(methods.MONITOR, call, selector)


@dataclass(frozen=True, slots=True)
class Registered(Generic[R]):
    """One of the peer's registries, called by these methods."""

    channel: Asking
    to_register: Method[R, R]
    to_find: Method[Query[R], Answer[R]]
    to_unregister: Method[R, None]

    async def register(self, call: Call, record: R) -> R:
        return await self._on_the_path(self.to_register, call, record)

    def find(self, call: Call, query: Query[R]) -> AsyncIterator[Answer[R]]:
        return self.channel.follow(self.to_find, call, query)

    async def unregister(self, call: Call, record: R) -> None:
        await self._on_the_path(self.to_unregister, call, record)

    async def _on_the_path(self, method: Method[R, A], call: Call, record: R) -> A:
        sent = path_header(call.tokens or TokenPath())
        answer, headers = await self.channel.ask(method, call, record, [sent])
        if call.tokens is not None and "path" in headers:
            came = path_in({"path": [headers["path"]]})
            call.tokens.index, call.tokens.tokens = came.index, came.tokens
            call.tokens.answerer = self.channel.peer
        return answer
