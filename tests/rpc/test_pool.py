"""Which channel a dial gives, and when it is a new one."""

import asyncio
import os
import socket
from contextlib import suppress

import pytest
from tests.leaving import nothing_holds_itself

from nsm.api.connection import Connection, Request
from nsm.api.monitoring import ConnectionEvent, Selector
from nsm.errors import Invalid, NsmError, Unauthenticated, Unreachable
from nsm.rpc import pool as module
from nsm.rpc import serve
from nsm.sdk.call import Call
from nsm.sdk.channel import Offer

ASKED = Request(Connection("c"))


class Echo:
    """Answers with what was asked, and lets itself be watched for ever."""

    async def request(self, call, request):
        return request.connection

    async def close(self, call, conn):
        return None

    async def watch(self, call, selector):
        yield ConnectionEvent()
        await asyncio.Event().wait()


OFFER = Offer(connections=Echo(), monitor=Echo())


@pytest.fixture
def url(tmp_path):
    return f"unix://{tmp_path}/s.sock"


@pytest.fixture
async def server(url, server_identity):
    made = await serve(OFFER, [url], server_identity, server_identity)
    yield made
    await made.close(0)


async def test_a_channel_is_shared(server, pool, url):
    assert await pool.dial(url) is await pool.dial(url)
    assert len(server) == len(pool) == 1


async def test_dials_at_the_same_time_share_one_attempt(server, pool, url):
    channels = await asyncio.gather(*(pool.dial(url) for _ in range(50)))
    assert len(set(map(id, channels))) == 1
    assert len(server) == 1


async def test_failed_attempts_are_shared_too_and_each_caller_gets_its_own_error(pool, url):
    failures = await asyncio.gather(*(pool.dial(url) for _ in range(3)), return_exceptions=True)
    assert {type(failure) for failure in failures} == {Unreachable}
    assert len(set(map(id, failures))) == 3


async def test_one_caller_giving_up_does_not_spoil_the_others_attempt(server, pool, url):
    hasty = asyncio.ensure_future(pool.dial(url))
    patient = asyncio.ensure_future(pool.dial(url))
    await asyncio.sleep(0)
    hasty.cancel()
    assert (await patient).usable


async def test_a_new_certificate_means_a_new_channel_and_the_old_one_still_works(
    server, pool, url, client_identity
):
    old = await pool.dial(url)
    events = old.monitor.watch(Call(), Selector())
    await anext(events)
    client_identity.epoch += 1
    new = await pool.dial(url)
    assert new is not old
    assert (old.peer.shown, new.peer.shown) == (1, 2)
    assert await old.connections.request(Call(), ASKED) == ASKED.connection
    pool._sweep()
    assert old.usable
    await events.aclose()


async def test_a_channel_that_has_sent_many_files_is_not_given_out_again(server, pool, url):
    old = await pool.dial(url)
    for _ in range(module.MOST_FILES):
        old.files.send(0)
    new = await pool.dial(url)
    assert new is not old
    assert await old.connections.request(Call(), ASKED)
    assert await pool.dial(url) is new


async def test_a_channel_left_idle_is_closed(server, pool, url, until):
    channel = await pool.dial(url)
    channel._used -= module.IDLE - 1
    pool._sweep()
    assert channel.usable
    channel._used -= 1
    pool._sweep()
    await until(lambda: len(server) == 0)
    assert len(pool) == 0
    assert await pool.dial(url) is not channel


async def test_a_retired_channel_is_closed_when_nobody_uses_it(server, pool, url, client_identity):
    old = await pool.dial(url)
    client_identity.epoch += 1
    await pool.dial(url)
    old._used -= module.IDLE_RETIRED
    pool._sweep()
    pool._sweep()
    assert not old.usable
    assert len(pool) == 1


async def test_the_channel_of_a_dead_peer_is_not_given_out(url, server_identity, pool, until):
    first = await serve(OFFER, [url], server_identity, server_identity)
    dead = await pool.dial(url)
    await first.close(0)
    await until(lambda: not dead.usable)
    with pytest.raises(Unreachable):
        await dead.connections.request(Call(), ASKED)
    second = await serve(OFFER, [url], server_identity, server_identity)
    assert await (await pool.dial(url)).connections.request(Call(), ASKED) == ASKED.connection
    await second.close(0)


async def test_a_call_the_peer_never_looked_at_is_made_again_on_a_fresh_channel(server, pool, url):
    channel = await pool.dial(url)
    channel._http2.connection.leaving = True  # as after a GOAWAY between dial and call
    assert await channel.connections.request(Call(), ASKED) == ASKED.connection
    assert await pool.dial(url) is not channel


async def test_but_not_when_files_went_with_the_old_one(server, pool, url):
    channel = await pool.dial(url)
    channel.files.send(0)
    channel._http2.connection.leaving = True
    with pytest.raises(Unreachable):
        await channel.connections.request(Call(), ASKED)


async def test_sockets_received_as_files_can_be_dialed(pool, tmp_path, server_identity):
    servers = [
        await serve(OFFER, [f"unix://{tmp_path}/{n}.sock"], server_identity, server_identity)
        for n in range(2)
    ]
    fd = os.open(tmp_path / "0.sock", os.O_PATH)
    url = f"unix:///proc/{os.getpid()}/fd/{fd}"
    first = await pool.dial(url)
    assert await first.connections.request(Call(), ASKED) == ASKED.connection
    assert await pool.dial(url) is first
    other = os.open(tmp_path / "1.sock", os.O_PATH)
    os.dup2(other, fd)
    os.close(other)
    second = await pool.dial(url)
    assert second is not first
    assert [len(server) for server in servers] == [1, 1]
    os.close(fd)
    for server in servers:
        await server.close(0)


async def test_a_peer_that_does_not_answer_is_unreachable_in_time(pool, tmp_path):
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(tmp_path / "deaf"))
        deaf.listen(0)
        with pytest.raises(Unreachable, match="did not answer within"):
            await pool.dial(f"unix://{tmp_path}/deaf", 0.05)
        second = socket.socket(socket.AF_UNIX)
        second.setblocking(False)
        with pytest.raises(BlockingIOError):  # its queue is full by now
            second.connect(str(tmp_path / "deaf"))
        second.close()
        other = asyncio.ensure_future(pool.dial(f"unix:{tmp_path}/deaf", 0.05))
        with pytest.raises(Unreachable, match="did not answer within"):
            await other


async def test_a_full_queue_is_waited_for(pool, tmp_path, server_identity):
    with socket.socket(socket.AF_UNIX) as busy:
        busy.bind(str(tmp_path / "busy"))
        busy.listen(0)
        before = socket.socket(socket.AF_UNIX)
        before.connect(str(tmp_path / "busy"))
        dialing = asyncio.ensure_future(pool.dial(f"unix://{tmp_path}/busy"))
        await asyncio.sleep(0.01)
        assert not dialing.done()
        before.close()
        busy.accept()[0].close()
        await asyncio.sleep(0.01)
        busy.accept()[0].close()  # ours has come
        with pytest.raises(Unreachable, match=r"hung up|reset by peer"):
            await dialing


async def test_a_peer_that_hangs_up_after_the_handshake_is_told_from_one_that_greets(
    pool, server, url, client_identity
):
    client_identity.shows_certificate = False
    with pytest.raises(NsmError) as caught:
        await pool.dial(url)
    assert isinstance(caught.value, Unauthenticated | Unreachable)


@pytest.mark.parametrize(
    "url", ["", "http://x:1", "tcp://x", "tcp://x:y", "unix://", "unix://" + "a" * 200, "x", "\0"]
)
async def test_what_leads_nowhere_is_refused(pool, url):
    with pytest.raises(Invalid):
        await pool.dial(url)


async def test_a_port_nobody_listens_on_is_unreachable(pool):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(Unreachable, match=f"tcp://127.0.0.1:{port}"):
        await pool.dial(f"tcp://127.0.0.1:{port}")
    async with nothing_holds_itself():
        with suppress(Unreachable):
            await pool.dial(f"tcp://127.0.0.1:{port}")


async def test_a_closed_pool_dials_nobody(server, pool, url):
    dialing = asyncio.ensure_future(pool.dial(url))
    await asyncio.sleep(0)
    await pool.close()
    with pytest.raises(Unreachable, match="stopping"):
        await dialing
    with pytest.raises(Unreachable, match="stopping"):
        await pool.dial(url)
