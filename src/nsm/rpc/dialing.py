"""One attempt to reach a peer: connect, prove, greet."""

import asyncio

from nsm.errors import NsmError, Unreachable
from nsm.rpc.channel import RpcChannel
from nsm.rpc.connecting import connected
from nsm.rpc.http2 import Http2
from nsm.rpc.outgoing import NoCalls
from nsm.rpc.plug import Plug
from nsm.rpc.target import Target
from nsm.rpc.tls import TlsSession, TlsSource
from nsm.rpc.transport import SocketTransport
from nsm.sdk.channel import Tokens
from nsm.sdk.clock import Clock


async def dialed(target: Target, tls: TlsSource, tokens: Tokens, clock: Clock) -> RpcChannel:
    """A channel to a peer that has proved who it is, and has accepted who we are."""
    sock = await connected(target, clock)
    settled: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()

    def settle(_: SocketTransport, error: Exception | None) -> None:
        if not settled.done():
            settled.set_result(error)

    http2 = Http2(NoCalls(), client=True)
    transport = SocketTransport(Plug(sock), TlsSession(tls, server=False), http2, clock, settle)
    try:
        transport.start()
        if error := await settled:
            raise error
        # In TLS 1.3 we are done before the peer has judged our certificate: its SETTINGS tell.
        await http2.connection.greeted.wait()
        if transport.is_closing() or transport.peer is None:
            raise _hung_up(http2.ending)
    except BaseException:
        transport.abort()
        raise
    return RpcChannel(http2, transport.peer, target, tokens, clock)


def _hung_up(why: BaseException | None) -> NsmError:
    if isinstance(why, NsmError):
        return why
    return Unreachable(
        "the peer hung up before it spoke HTTP/2",
        fix="see in its log whether it refuses our certificate",
    )
