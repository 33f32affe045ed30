"""A live way to a peer across a socket: what it offers is asked like one's own."""

from collections.abc import AsyncIterator, Awaitable, Callable

from nsm.api.registration import Endpoint, NetworkService
from nsm.rpc.aging import Aging, Side
from nsm.rpc.asking import Connections, Monitored, Registered
from nsm.rpc.fds import SocketFiles
from nsm.rpc.http2 import Http2
from nsm.rpc.metadata import token_headers
from nsm.rpc.outgoing import Outgoing
from nsm.rpc.stream import Headers, NeverSent
from nsm.rpc.target import Target
from nsm.sdk.call import Call, Peer
from nsm.sdk.channel import Tokens
from nsm.sdk.clock import Clock
from nsm.sdk.streams import reading
from nsm.wire import decode, encode, methods
from nsm.wire.methods import A, Method, Q


class RpcChannel:
    """One connection to one peer; every call carries a fresh token for it."""

    again: Callable[[], Awaitable["RpcChannel"]] | None = None
    """How to get a fresh channel to the same place."""

    def __init__(
        self, http2: Http2, peer: Peer, target: Target, tokens: Tokens, clock: Clock
    ) -> None:
        self.peer = peer
        self._http2 = http2
        self._tokens = tokens
        self._clock = clock
        self._asking = Outgoing(http2, clock, authority=target.authority, scheme="https")
        self._used = clock.ticks()
        self._retired = False
        self._aging = Aging(clock, http2.connection.transport.session.until, Side.DIALED)
        self._aging.begin(self._retire, self._retire, self.close)

    # Each is made when asked for: kept here, it would hold us as we hold it, beyond our end.

    @property
    def connections(self) -> Connections:
        """The peer's connections."""
        return Connections(self)

    @property
    def monitor(self) -> Monitored:
        """The peer's connections, watched."""
        return Monitored(self)

    @property
    def network_services(self) -> Registered[NetworkService]:
        """The peer's registry of network services."""
        return Registered(
            self, methods.REGISTER_SERVICE, methods.FIND_SERVICE, methods.UNREGISTER_SERVICE
        )

    @property
    def endpoints(self) -> Registered[Endpoint]:
        """The peer's registry of endpoints."""
        return Registered(
            self, methods.REGISTER_ENDPOINT, methods.FIND_ENDPOINT, methods.UNREGISTER_ENDPOINT
        )

    @property
    def files(self) -> SocketFiles | None:
        """Files to and from the peer; None over TCP."""
        return self._http2.connection.transport.files

    @property
    def usable(self) -> bool:
        """Whether it may be given out for new calls."""
        return self._asking.usable and not self._retired

    @property
    def ended(self) -> bool:
        """Whether nothing runs on it any more, or ever will."""
        return self._http2.connection.is_closing()

    @property
    def idle(self) -> float:
        """Seconds since a call was made or ran."""
        if self._http2.processor.streams:
            return 0.0
        return self._clock.ticks() - self._used

    def close(self) -> None:
        """Hang up; whatever still runs fails as Unreachable."""
        self._aging.cancel()
        self._http2.processor.close("the channel was closed")

    async def ask(
        self, method: Method[Q, A], call: Call, noun: Q, also: Headers
    ) -> tuple[A, dict[str, str]]:
        """The answer to one question, and its first headers."""
        question = encode(noun)
        try:
            data, got = await self.unary(method.path, question, call, also)
        except NeverSent as error:
            fresh = await self._fresh(error)
            data, got = await fresh.unary(method.path, question, call, also)
        return decode(method.answer, data), got

    async def follow(self, method: Method[Q, A], call: Call, noun: Q) -> AsyncIterator[A]:
        """Every answer to one question; closing the iterator cancels the call."""
        answers = self._asking.stream(method.path, encode(noun), self._token(), call.deadline)
        async with reading(answers):
            async for data in answers:
                yield decode(method.answer, data)

    async def unary(
        self, path: str, question: bytes, call: Call, also: Headers
    ) -> tuple[bytes, dict[str, str]]:
        """One attempt of `ask`, on this very connection."""
        headers = [*self._token(), *also]
        return await self._asking.unary(path, question, headers, call.deadline)

    def _retire(self) -> None:
        """Not given out any more, and still good for whoever was given it a moment ago."""
        self._retired = True

    def _token(self) -> Headers:
        self._used = self._clock.ticks()
        return token_headers(self._tokens.issue(self.peer))

    async def _fresh(self, error: NeverSent) -> "RpcChannel":
        if self.again is None or (self.files is not None and self.files.sent):
            raise error  # files went with the old socket: whoever sent them must send them anew
        fresh = await self.again()
        if fresh.peer.leaf != self.peer.leaf:
            raise error  # the answer will be judged by the leaf of whoever was dialed
        return fresh
