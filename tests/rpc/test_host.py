"""Whoever knocks: bounded in number and time, and no reason to lock honest peers out."""

import asyncio
import resource
import socket

import pytest

from nsm.errors import Unreachable
from nsm.rpc import host, serve
from nsm.rpc.connecting import KEEP_ALIVE
from nsm.sdk.channel import Offer
from nsm.sdk.clock import Clock


class Hasty(Clock):
    """A clock that runs so many times faster."""

    def __init__(self, times=10):
        self.times = times

    def ticks(self):
        return super().ticks() * self.times

    def after(self, seconds, ring):
        return super().after(seconds / self.times, ring)


@pytest.fixture
async def begin(server_identity, path):
    """Serve at `path`, until the test is over."""
    made = []

    async def serving(clock=None, url=f"unix://{path}", identity=server_identity):
        made.append(await serve(Offer(), [url], identity, identity, clock))
        return made[-1]

    yield serving
    for server in made:
        await server.close(0)


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "s")


@pytest.fixture
def knock():
    """Connect and say nothing."""
    made = []

    def connect(path):
        sock = socket.socket(socket.AF_UNIX)
        made.append(sock)
        sock.setblocking(False)
        sock.connect(path)
        return sock

    yield connect
    for sock in made:
        sock.close()


async def test_idle_knockers_do_not_lock_honest_peers_out(begin, pool, knock, path, until):
    server = await begin(Hasty())
    idle = [knock(path) for _ in range(host.MOST_KNOCKING + 50)]
    await until(lambda: len(server) >= host.MOST_KNOCKING)
    assert len(server) < len(idle) + 1
    channel = await asyncio.wait_for(pool.dial(server.addresses[0]), 5)
    assert channel.usable


async def test_a_silent_knocker_is_sent_away_in_time(begin, knock, path, until):
    server = await begin(Hasty(100))
    sock = knock(path)
    await until(lambda: len(server) == 1)
    await until(lambda: len(server) == 0)
    assert sock.recv(1) == b""


async def test_stopping_does_not_wait_for_those_who_knock(begin, knock, path, until):
    server = await begin()
    knock(path)
    await until(lambda: len(server) == 1)
    await asyncio.wait_for(server.close(5), 1)


async def test_a_process_out_of_descriptors_accepts_again_when_it_has_some(
    begin, knock, path, until, caplog
):
    server = await begin(Hasty())
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    last = knock(path)
    resource.setrlimit(resource.RLIMIT_NOFILE, (last.fileno() + 1, hard))
    try:
        await until(lambda: "cannot accept" in caplog.text)
        assert len(server) == 0
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    await until(lambda: len(server) == 1)


async def test_dead_peers_over_tcp_are_noticed_by_the_kernel(begin, pool):
    server = await begin(url="tcp://127.0.0.1:0")
    channel = await pool.dial(server.addresses[0])
    (guest,) = server._host._guests
    for transport in (channel._http2.connection.transport, guest.transport):
        sock = transport.get_extra_info("socket")
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        for option, value in KEEP_ALIVE.items():
            assert sock.getsockopt(socket.IPPROTO_TCP, option) == value
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


async def test_a_server_without_an_identity_yet_refuses_and_goes_on(begin, pool, caplog):
    class Nobody:
        epoch = 0
        id = "spiffe://example.org/nobody"
        not_after = 0.0

        def server_context(self):
            raise Unreachable("this program has no identity yet")

    server = await begin(identity=Nobody())
    with pytest.raises(Unreachable, match=r"reset by peer|hung up|Broken pipe"):
        await pool.dial(server.addresses[0])
    assert "no identity yet" in caplog.text
    assert len(server) == 0
