"""A server and a pool on real sockets, mTLS always on; what is offered only remembers."""

import asyncio
import os
from dataclasses import replace

import pytest
from tests.leaving import nothing_holds_itself

from nsm.api.connection import Connection, Request, Segment
from nsm.api.monitoring import UPDATE, ConnectionEvent, Selector
from nsm.api.registration import Answer, Endpoint, NetworkService, Query
from nsm.api.timestamp import Timestamp
from nsm.errors import (
    Cancelled,
    Denied,
    Exhausted,
    Invalid,
    NsmError,
    TooLate,
    Unauthenticated,
    Unimplemented,
    Unreachable,
)
from nsm.rpc import Pool, serve
from nsm.rpc.fds import inode_of
from nsm.rpc.outgoing import _Exchange
from nsm.sdk.call import Call, TokenPath
from nsm.sdk.channel import Offer
from nsm.sdk.clock import Clock

ASKED = Request(Connection(id="c1", labels={"size": ""}))


class Program:
    """Everything a program can offer; it remembers what it was asked."""

    def __init__(self):
        self.calls = []
        self.ended = []
        self.gate = asyncio.Event()
        self.events = asyncio.Queue()

    async def request(self, call, request):
        self.calls.append(call)
        name = request.connection.network_service
        act = getattr(self, f"when_{name}", None)
        if act is not None:
            await act(call, request)
        return replace(request.connection, endpoint="here")

    async def close(self, call, conn):
        self.calls.append(call)

    async def when_refused(self, call, request):
        raise Denied("not you", fix="ask someone else")

    async def when_broken(self, call, request):
        raise RuntimeError("a secret of ours")

    async def when_slow(self, call, request):
        try:
            await self.gate.wait()
        except BaseException as error:
            self.ended.append(type(error))
            raise
        self.ended.append(None)

    async def watch(self, call, selector):
        self.calls.append(call)
        try:
            yield ConnectionEvent(
                connections={s.id: Connection(s.id) for s in selector.path_segments}
            )
            while True:
                yield await self.events.get()
        finally:
            self.ended.append("watch")

    async def register(self, call, record):
        self.calls.append(call)
        call.tokens.tokens.append("ours")
        call.tokens.index += 1
        return replace(record, path_ids=("a", "b"))

    async def unregister(self, call, record):
        self.calls.append(call)
        call.tokens.tokens.append("gone")

    async def find(self, call, query):
        self.calls.append(call)
        for n in range(int(query.like.url or 0)):
            yield Answer(replace(query.like, name=f"e{n}"))
        if query.watch:
            await asyncio.Event().wait()


@pytest.fixture
def program():
    return Program()


@pytest.fixture
def offer(program):
    return Offer(connections=program, monitor=program, network_services=program, endpoints=program)


@pytest.fixture(params=["unix", "tcp", "tcp6"])
def listen_on(request, tmp_path):
    return {
        "unix": f"unix://{tmp_path}/s.sock",
        "tcp": "tcp://127.0.0.1:0",
        "tcp6": "tcp://[::1]:0",
    }[request.param]


@pytest.fixture
async def server(offer, listen_on, server_identity):
    made = await serve(offer, [listen_on], server_identity, server_identity, hop="the server")
    yield made
    await made.close(0)


@pytest.fixture
async def channel(server, pool):
    return await pool.dial(server.addresses[0])


unix = pytest.mark.parametrize("listen_on", ["unix"], indirect=True)


def soon(seconds):
    return Call(deadline=Clock().ticks() + seconds)


async def test_a_request_is_answered_and_everyone_is_known(channel, program):
    made = await channel.connections.request(soon(60), ASKED)
    assert made == replace(ASKED.connection, endpoint="here")
    (call,) = program.calls
    assert call.peer.id == "spiffe://example.org/client"
    assert channel.peer.id == "spiffe://example.org/server"
    assert call.peer.leaf != channel.peer.leaf
    assert call.token.text == "spiffe://example.org/client for spiffe://example.org/server"
    assert call.token.expires == Timestamp(4_000_000_000, 7)
    assert 55 < call.deadline - Clock().ticks() <= 60


async def test_a_call_without_a_deadline_has_none(channel, program):
    await channel.connections.close(Call(), ASKED.connection)
    assert program.calls[0].deadline is None


async def test_a_refusal_keeps_its_kind_cause_hop_and_fix(channel):
    with pytest.raises(Denied) as caught:
        await channel.connections.request(Call(), Request(Connection(network_service="refused")))
    error = caught.value
    assert (error.cause, error.hop, error.fix) == ("not you", "the server", "ask someone else")


async def test_a_stumble_tells_the_peer_nothing_of_its_cause(channel, caplog):
    with pytest.raises(NsmError) as caught:
        await channel.connections.request(Call(), Request(Connection(network_service="broken")))
    assert caught.value.status == "INTERNAL"
    assert "secret" not in str(caught.value)
    assert caplog.text.count("RuntimeError: a secret of ours") == 1


async def test_the_token_path_goes_there_and_comes_back(channel, program):
    path = TokenPath(0, ["mine"])
    kept = await channel.endpoints.register(Call(tokens=path), Endpoint("e"))
    assert kept.path_ids == ("a", "b")
    assert program.calls[0].tokens is not path
    assert path == TokenPath(1, ["mine", "ours"])
    await channel.network_services.unregister(Call(tokens=path), NetworkService("s"))
    assert path == TokenPath(1, ["mine", "ours", "gone"])


async def test_a_registration_without_a_path_begins_one(channel, program):
    await channel.endpoints.register(Call(), Endpoint("e"))
    assert program.calls[0].tokens == TokenPath(1, ["ours"])


async def test_everything_found_arrives_in_order_and_then_it_ends(channel):
    query = Query(Endpoint(url="500"))
    found = [answer.record.name async for answer in channel.endpoints.find(Call(), query)]
    assert found == [f"e{n}" for n in range(500)]


async def test_finding_nothing_is_an_end_and_no_failure(channel):
    query = Query(Endpoint())
    assert [answer async for answer in channel.endpoints.find(Call(), query)] == []


async def test_events_arrive_as_they_happen(channel, program):
    events = channel.monitor.watch(Call(), Selector((Segment(id="c1"),)))
    assert set((await anext(events)).connections) == {"c1"}
    program.events.put_nowait(ConnectionEvent(UPDATE))
    assert await anext(events) == ConnectionEvent(UPDATE)
    await events.aclose()


async def test_leaving_a_watch_ends_it_at_the_server_and_nothing_else(channel, program, until):
    events = channel.monitor.watch(Call(), Selector())
    await anext(events)
    await events.aclose()
    await until(lambda: program.ended == ["watch"])
    assert channel.usable
    await channel.connections.request(Call(), ASKED)


async def test_what_is_not_offered_is_unimplemented(server_identity, pool, tmp_path, program):
    server = await serve(
        Offer(connections=program), [f"unix://{tmp_path}/o.sock"], server_identity, server_identity
    )
    channel = await pool.dial(server.addresses[0])
    with pytest.raises(Unimplemented):
        await channel.endpoints.register(Call(), Endpoint("e"))
    with pytest.raises(Unimplemented):
        await anext(channel.monitor.watch(Call(), Selector()))
    await server.close(0)


async def test_a_deadline_ends_the_wait_and_the_work(channel, program, until):
    with pytest.raises(TooLate):
        await channel.connections.request(soon(0.05), Request(Connection(network_service="slow")))
    await until(lambda: program.ended == [asyncio.CancelledError])
    with pytest.raises(TooLate):
        await channel.connections.request(soon(-1), ASKED)
    await channel.connections.request(Call(), ASKED)


async def test_the_server_holds_the_deadline_where_the_client_does_not(channel, program, until):
    asking = channel._asking
    headers = asking._headers("/networkservice.NetworkService/Request", [], soon(0.05).deadline)
    asking._headers = lambda *_: headers
    with pytest.raises(TooLate, match="the caller's deadline passed"):
        await channel.connections.request(Call(), Request(Connection(network_service="slow")))
    assert program.ended == [asyncio.CancelledError]


async def test_a_caller_who_gives_up_cancels_the_work(channel, program, until):
    asking = asyncio.ensure_future(
        channel.connections.request(Call(), Request(Connection(network_service="slow")))
    )
    await until(lambda: program.calls)
    asking.cancel()
    await until(lambda: program.ended == [asyncio.CancelledError])


async def test_a_caller_who_is_gone_cancels_the_work(channel, program, pool, until):
    asking = asyncio.ensure_future(
        channel.connections.request(Call(), Request(Connection(network_service="slow")))
    )
    await until(lambda: program.calls)
    channel.close()
    with pytest.raises(Unreachable):
        await asking
    await until(lambda: program.ended == [asyncio.CancelledError])


async def test_many_calls_run_side_by_side(channel, program, until):
    slow = Request(Connection(network_service="slow"))
    asking = [asyncio.ensure_future(channel.connections.request(Call(), slow)) for _ in range(200)]
    await until(lambda: len(program.calls) == 200)
    program.gate.set()
    assert len(await asyncio.gather(*asking)) == 200


@pytest.mark.parametrize("size", [70_000, 1_000_000])
async def test_large_messages_go_there_and_come_back(channel, size):
    large = Connection("c", labels={"large": "x" * size})
    made = await channel.connections.request(Call(), Request(large))
    assert made.labels == large.labels


async def test_a_message_beyond_the_bound_is_not_even_sent(channel, program):
    with pytest.raises(Exhausted):
        await channel.connections.request(
            Call(), Request(Connection("c", labels={"large": "x" * 4_200_000}))
        )
    assert program.calls == []


async def test_a_message_beyond_the_bound_is_refused_by_its_receiver(channel, program):
    asking = channel._asking
    with pytest.raises(Exhausted, match="more than the"):
        await ask_raw(asking, b"\0\x00\x50\x00\x00" + bytes(100))
    assert program.calls == []
    await channel.connections.request(Call(), ASKED)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"\1\0\0\0\1x", Unimplemented),  # compressed
        (b"\0\0\0\0\5x", Invalid),  # cut short
        (b"\0\0", Invalid),
        (b"\0\0\0\0\3\xff\xff\xff", Invalid),  # no message of ours
    ],
)
async def test_a_malformed_message_is_refused_and_the_connection_goes_on(channel, body, kind):
    with pytest.raises(kind):
        await ask_raw(channel._asking, body)
    await channel.connections.request(Call(), ASKED)


async def ask_raw(asking, body):
    exchange = _Exchange(asking._http2)
    try:
        headers = asking._headers("/networkservice.NetworkService/Request", [], None)
        await exchange.ask(headers, body)
        await exchange.first_headers()
        await exchange.last_headers()
    finally:
        exchange.end()


@unix
async def test_files_travel_both_ways(channel, program, tmp_path):
    async def when_file(call, request):
        fd = await call.files.receive(inode)
        got.append(os.pread(fd, 100, 0))
        answer = os.open(tmp_path / "answer", os.O_CREAT | os.O_RDWR)
        os.pwrite(answer, b"from the server", 0)
        back.append(call.files.send(answer))
        os.close(answer)
        os.close(fd)

    got, back = [], []
    program.when_file = when_file
    fd = os.open(tmp_path / "question", os.O_CREAT | os.O_RDWR)
    os.pwrite(fd, b"from the client", 0)
    inode = channel.files.send(fd)
    os.close(fd)
    await channel.connections.request(soon(5), Request(Connection(network_service="file")))
    assert got == [b"from the client"]
    fd = await asyncio.wait_for(channel.files.receive(back[0]), 5)
    assert os.pread(fd, 100, 0) == b"from the server"
    assert inode_of(fd) == back[0]
    os.close(fd)


@pytest.mark.parametrize("listen_on", ["tcp"], indirect=True)
async def test_no_files_travel_over_tcp(channel, program):
    await channel.connections.request(Call(), ASKED)
    assert channel.files is None
    assert program.calls[0].files is None


@unix
async def test_200_connections_at_once(server, authority, program):
    pools = [
        Pool(identity, identity)
        for identity in (authority.identity(f"spiffe://example.org/c{n}") for n in range(200))
    ]
    channels = await asyncio.gather(*(pool.dial(server.addresses[0]) for pool in pools))
    await asyncio.gather(*(channel.connections.request(Call(), ASKED) for channel in channels))
    assert len({call.peer.id for call in program.calls}) == 200
    assert len(server) == 200
    await asyncio.gather(*(pool.close() for pool in pools))


async def test_a_client_without_a_certificate_reaches_no_handler(
    server, client_identity, pool, program
):
    client_identity.shows_certificate = False
    with pytest.raises(NsmError) as caught:
        await pool.dial(server.addresses[0])
    assert isinstance(caught.value, Unauthenticated | Unreachable)
    assert program.calls == []


async def test_a_client_of_an_unknown_authority_reaches_no_handler(
    server, authority, stranger, program
):
    pool = Pool(forged := stranger.identity("spiffe://example.org/client", authority), forged)
    with pytest.raises(NsmError) as caught:
        await pool.dial(server.addresses[0])
    assert isinstance(caught.value, Unauthenticated | Unreachable)
    await pool.close()
    assert program.calls == []
    assert len(server) == 0


@pytest.mark.parametrize("uri", [None, "spiffe://example.org/banned"])
async def test_a_client_that_is_nobody_or_not_welcome_reaches_no_handler(
    server, authority, program, uri
):
    pool = Pool(identity := authority.identity(uri), identity)
    with pytest.raises(NsmError):
        await pool.dial(server.addresses[0])
    await pool.close()
    assert program.calls == []


async def test_a_server_of_an_unknown_authority_is_told_nothing(
    offer, authority, stranger, pool, program, tmp_path
):
    forged = stranger.identity("spiffe://example.org/server", authority)
    server = await serve(offer, [f"unix://{tmp_path}/f.sock"], forged, forged)
    with pytest.raises(Unauthenticated):
        await pool.dial(server.addresses[0])
    await server.close(0)
    assert program.calls == []


async def test_a_server_that_is_nobody_is_told_nothing(offer, authority, pool, tmp_path, program):
    nobody = authority.identity(None)
    server = await serve(offer, [f"unix://{tmp_path}/f.sock"], nobody, nobody)
    with pytest.raises(Unauthenticated, match="no SPIFFE id"):
        await pool.dial(server.addresses[0])
    await server.close(0)


async def test_stopping_ends_streams_as_unavailable_and_lets_calls_end(
    server, channel, program, until
):
    events = channel.monitor.watch(Call(), Selector())
    await anext(events)
    finding = channel.endpoints.find(Call(), Query(Endpoint(url="1"), watch=True))
    await anext(finding)
    asking = asyncio.ensure_future(
        channel.connections.request(Call(), Request(Connection(network_service="slow")))
    )
    await until(lambda: len(program.calls) == 3)
    closing = asyncio.ensure_future(server.close(5))
    for stream in (events, finding):
        with pytest.raises(Unreachable, match="stopping"):
            await anext(stream)
    assert not channel.usable
    assert not closing.done()
    program.gate.set()
    assert (await asking).endpoint == "here"
    await closing
    assert len(server) == 0


async def test_a_call_that_outlives_the_grace_ends_as_unavailable(server, channel, program, until):
    asking = asyncio.ensure_future(
        channel.connections.request(Call(), Request(Connection(network_service="slow")))
    )
    await until(lambda: program.calls)
    await server.close(0.01)
    with pytest.raises(Unreachable):
        await asking
    assert program.ended == [asyncio.CancelledError]


async def test_a_stopped_server_is_not_reached(server, pool):
    url = server.addresses[0]
    await server.close(0)
    with pytest.raises(Unreachable):
        await pool.dial(url)


async def test_one_server_listens_on_many_addresses(
    offer, server_identity, pool, tmp_path, program
):
    urls = [f"unix://{tmp_path}/a/b.sock", "tcp://127.0.0.1:0", "tcp://:0"]
    server = await serve(offer, urls, server_identity, server_identity)
    for url in server.addresses:
        channel = await pool.dial(url)
        await channel.connections.request(Call(), ASKED)
    assert len(program.calls) == 3
    assert (tmp_path / "a/b.sock").stat().st_mode & 0o777 == 0o777
    bare = server.addresses[1].removeprefix("tcp://")
    assert await pool.dial(bare)
    await server.close(0)
    assert not (tmp_path / "a/b.sock").exists()


async def test_if_one_address_cannot_be_had_none_is_kept(offer, server_identity, tmp_path):
    urls = [f"unix://{tmp_path}/a.sock", "tcp://192.0.2.1:9"]
    with pytest.raises(Unreachable, match=r"192\.0\.2\.1"):
        await serve(offer, urls, server_identity, server_identity)
    assert not (tmp_path / "a.sock").exists()


@unix
async def test_a_slow_watcher_stops_its_own_stream_only(channel, program, pool, server):
    """Its events wait for it; nobody else's calls do."""
    large = ConnectionEvent(connections={"c": Connection(labels={"l": "x" * 1_000_000})})
    events = channel.monitor.watch(Call(), Selector())
    await anext(events)
    for _ in range(20):
        program.events.put_nowait(large)
    for _ in range(20):
        await channel.connections.request(Call(), ASKED)
    assert program.events.qsize() > 10
    for _ in range(20):
        assert len((await anext(events)).connections["c"].labels["l"]) == 1_000_000
    await events.aclose()


@unix
async def test_a_flood_of_given_up_calls_ends_the_connection(channel, server, until, caplog):
    headers = channel._asking._headers("/networkservice.NetworkService/Request", [], None)
    (guest,) = server._host._guests
    guest.calls._resets = 100.0
    for _ in range(1000):
        if not channel.usable:
            break
        exchange = _Exchange(channel._http2)
        await exchange.ask(headers, b"\0\0\0\0\1")
        exchange.end()
        await asyncio.sleep(0)
    await until(lambda: not channel.usable)
    assert "faster than it may" in caplog.text
    await until(lambda: len(server) == 0)


async def test_calls_beyond_what_the_peer_allows_wait_their_turn(channel, program, until):
    remote = channel._http2.connection.engine.remote_settings
    remote.max_concurrent_streams = 2
    remote.acknowledge()
    slow = Request(Connection(network_service="slow"))
    asking = [asyncio.ensure_future(channel.connections.request(Call(), slow)) for _ in range(5)]
    await until(lambda: len(program.calls) == 2)
    late = asyncio.ensure_future(channel.connections.request(soon(0.05), slow))
    with pytest.raises(TooLate):
        await late
    assert len(program.calls) == 2
    program.gate.set()
    assert len(await asyncio.gather(*asking)) == 5


async def test_no_call_leaves_anything_behind(channel, server):
    for _ in range(20):
        await channel.connections.request(Call(), ASKED)
    assert channel._http2.processor.streams == {}
    assert channel._http2.connection.buffered == 0


async def test_whoever_came_and_whatever_failed_holds_itself_nowhere(
    server, client_identity, program, until
):
    async def come_and_go():
        pool = Pool(client_identity, client_identity)
        channel = await pool.dial(server.addresses[0])
        await channel.connections.request(Call(), ASKED)
        refused, slow = (Request(Connection(network_service=name)) for name in ("refused", "slow"))
        with pytest.raises(Denied):
            await channel.connections.request(Call(), refused)
        with pytest.raises(TooLate):
            await channel.connections.request(soon(0.05), slow)
        events = channel.monitor.watch(Call(), Selector())
        await anext(events)
        asking = asyncio.ensure_future(channel.connections.request(Call(), slow))
        waiting = asyncio.ensure_future(anext(events))
        await until(lambda: len(program.calls) == 5)
        await pool.close()
        await asyncio.wait({asking, waiting})
        assert {type(one.exception()) for one in (asking, waiting)} == {Unreachable}
        await until(lambda: not len(server))
        program.calls.clear()

    await come_and_go()
    async with nothing_holds_itself():
        await come_and_go()


async def test_cancelled_by_the_peer_is_not_confused_with_our_own_cancelling(channel, program):
    async def when_withdrawn(call, request):
        raise Cancelled("withdrawn")

    program.when_withdrawn = when_withdrawn
    with pytest.raises(Cancelled, match="withdrawn"):
        await channel.connections.request(Call(), Request(Connection(network_service="withdrawn")))
