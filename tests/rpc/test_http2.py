"""Peers that break the rules, or stretch them, by bytes of their own making."""

import asyncio
import gc
import random
import socket
import tracemalloc
from contextlib import suppress

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, RemoteSettingsChanged, TrailersReceived
from h2.settings import SettingCodes
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    RstStreamFrame,
    SettingsFrame,
)

from nsm.rpc.engine import MOST_STREAMS
from nsm.rpc.plain import PlainServer, plain_unary
from nsm.rpc.transport import MOST_UNSENT

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SettingsFrame(0).serialize()
HEADERS = [
    (":method", "POST"),
    (":scheme", "http"),
    (":authority", "localhost"),
    (":path", "/Test/echo"),
    ("te", "trailers"),
    ("content-type", "application/grpc"),
]
HELLO = b"\0\0\0\0\5hello"


class Methods:
    """What the server under attack serves."""

    def __init__(self):
        self.poured = 0
        self.running = 0

    async def echo(self, call, request):
        yield request

    async def pour(self, call, request):
        while True:
            self.poured += 1
            yield bytes(100_000)

    async def wait(self, call, request):
        self.running += 1
        try:
            await asyncio.Event().wait()
            yield b""
        finally:
            self.running -= 1


@pytest.fixture
def methods():
    return Methods()


@pytest.fixture
async def server(tmp_path, methods):
    made = PlainServer(
        str(tmp_path / "s"),
        {"/Test/echo": methods.echo, "/Test/pour": methods.pour, "/Test/wait": methods.wait},
    )
    await made.start()
    yield made
    assert await plain_unary(made.address, "/Test/echo", b"still here", []) == b"still here"
    await made.close(0)


class Raw:
    """A client of bytes."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(path)
        self.sock.setblocking(False)
        self.loop = asyncio.get_running_loop()

    async def send(self, data):
        async with asyncio.timeout(10):
            await self.loop.sock_sendall(self.sock, data)

    async def hung_up(self):
        """What else came until the server hung up."""
        got = b""
        async with asyncio.timeout(10):
            try:
                while data := await self.loop.sock_recv(self.sock, 65536):
                    got += data
            except ConnectionResetError:
                pass
        return got


@pytest.fixture
async def raw(server):
    made = Raw(server.address.removeprefix("unix://"))
    yield made
    made.sock.close()


class Client:
    """A well-behaved engine, to be driven badly."""

    def __init__(self, raw, settings=None):
        self.raw = raw
        self.h2 = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
        if settings:
            self.h2.local_settings.update(settings)
        self.h2.initiate_connection()
        self.events = []

    def ask(self, headers=HEADERS, body=HELLO, end=True):
        number = self.h2.get_next_available_stream_id()
        self.h2.send_headers(number, headers)
        self.h2.send_data(number, body, end_stream=end)
        return number

    async def flush(self):
        with suppress(BrokenPipeError):
            await self.raw.send(self.h2.data_to_send())

    async def until(self, kind, count=1):
        found = []
        async with asyncio.timeout(10):
            while len(found) < count:
                data = await self.raw.loop.sock_recv(self.raw.sock, 65536)
                if not data:
                    raise EOFError
                events = self.h2.receive_data(data)
                found += [event for event in events if isinstance(event, kind)]
                await self.flush()
        return found


@pytest.mark.parametrize(
    "said",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\0" * 1000,
        PREFACE + b"\xff" * 100,
        PREFACE + HeadersFrame(2, b"\x82", flags=["END_HEADERS"]).serialize(),
        PREFACE + HeadersFrame(1, b"\xff\xff\xff\xff\xff", flags=["END_HEADERS"]).serialize(),
        PREFACE + DataFrame(1, b"x").serialize(),
        PREFACE + ContinuationFrame(1, b"x").serialize(),
        PREFACE + (9).to_bytes(3, "big") + b"\6\0\0\0\0\0" + b"123456789",
        PREFACE + (1 << 20).to_bytes(3, "big") + b"\0\0\0\0\0\1" + bytes(1000),
    ],
)
async def test_whoever_breaks_the_rules_is_hung_up_on(raw, said, caplog):
    await raw.send(said)
    await raw.hung_up()
    assert "Traceback" not in caplog.text


async def test_noise_harms_nobody(server, caplog):
    chance = random.Random(7)
    spoken = H2Connection(H2Configuration(client_side=True))
    spoken.initiate_connection()
    spoken.send_headers(1, HEADERS)
    spoken.send_data(1, HELLO, end_stream=True)
    whole = spoken.data_to_send()
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(chance.randrange(1, 6)):
            data[chance.randrange(24, len(data))] = chance.randrange(256)
        raw = Raw(server.address.removeprefix("unix://"))
        await raw.send(bytes(data))
        await asyncio.sleep(0)
        raw.sock.close()
    assert "Traceback" not in caplog.text


async def test_headers_beyond_the_bound_end_the_connection(raw):
    client = Client(raw)
    client.ask([*HEADERS, *((f"x{n}", "y" * 1000) for n in range(80))])
    await client.flush()
    with pytest.raises((EOFError, ConnectionResetError)):
        await client.until(TrailersReceived)


async def test_endless_headers_end_the_connection(raw):
    frames = [PREFACE, HeadersFrame(1, b"\x82").serialize()]
    frames += [ContinuationFrame(1, b"\x82").serialize() for _ in range(1000)]
    try:
        await raw.send(b"".join(frames))
    except (BrokenPipeError, ConnectionResetError):
        return
    await raw.hung_up()


async def test_a_message_cut_into_single_bytes_is_read(raw):
    client = Client(raw)
    number = client.h2.get_next_available_stream_id()
    client.h2.send_headers(number, HEADERS)
    for byte in HELLO:
        client.h2.send_data(number, bytes([byte]), pad_length=3)
        client.h2.send_data(number, b"")
    client.h2.end_stream(number)
    await client.flush()
    (ended,) = await client.until(TrailersReceived)
    assert ("grpc-status", "0") in ended.headers


async def test_a_peer_is_told_how_many_streams_it_may_open(raw):
    client = Client(raw)
    await client.flush()
    await client.until(RemoteSettingsChanged)
    assert client.h2.remote_settings.max_concurrent_streams == MOST_STREAMS


@pytest.mark.parametrize(
    "change",
    [
        {"content-type": "text/plain"},
        {"content-type": None},
        {":path": None},
        {":path": "/no/such"},
        {":path": "é"},
        {"grpc-timeout": "soon"},
    ],
)
async def test_a_call_that_is_not_grpc_ends_with_a_status_or_the_connection(raw, change):
    headers = [(k, change.get(k, v)) for k, v in HEADERS if change.get(k, v) is not None]
    headers += [(k, v) for k, v in change.items() if k not in dict(HEADERS)]
    client = Client(raw)
    client.h2.config.validate_outbound_headers = False
    client.ask(headers)
    await client.flush()
    await raw.loop.sock_recv(raw.sock, 1)


async def test_a_peer_that_pings_and_never_reads_is_dropped(raw, server):
    pings = b"".join(PingFrame(0, b"12345678").serialize() for _ in range(5000))
    await raw.send(PREFACE)
    sent = 0
    with suppress(BrokenPipeError, ConnectionResetError):
        while sent < 3 * MOST_UNSENT:
            await raw.send(pings)
            sent += len(pings)
    assert sent < 3 * MOST_UNSENT


async def test_a_stream_nobody_reads_is_produced_no_further(raw, methods, until):
    client = Client(raw, {SettingCodes.INITIAL_WINDOW_SIZE: 2**31 - 1})
    client.h2.increment_flow_control_window(2**31 - 1 - 65535)
    client.ask([(k, "/Test/pour" if k == ":path" else v) for k, v in HEADERS])
    await client.flush()
    await until(lambda: methods.poured)
    for _ in range(100):
        await asyncio.sleep(0)
    assert methods.poured < 10


async def test_a_thousand_streams_nobody_reads_do_not_fill_the_memory(raw, methods, until):
    client = Client(raw, {SettingCodes.INITIAL_WINDOW_SIZE: 2**31 - 1})
    client.h2.increment_flow_control_window(2**31 - 1 - 65535)
    await client.flush()
    pour = [(k, "/Test/pour" if k == ":path" else v) for k, v in HEADERS]
    tracemalloc.start()
    for _ in range(1000):
        client.ask(pour)
        await client.flush()
    await until(lambda: methods.poured >= 1000)
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # each holds its one message; the socket and the transport hold no more than for one stream
    assert held < 1000 * 130_000
    assert methods.poured < 1010


async def test_a_client_that_leaves_ends_what_runs_for_it(raw, methods, until):
    client = Client(raw)
    wait = [(k, "/Test/wait" if k == ":path" else v) for k, v in HEADERS]
    for _ in range(20):
        client.ask(wait)
    await client.flush()
    await until(lambda: methods.running == 20)
    raw.sock.close()
    await until(lambda: methods.running == 0)


async def test_a_polite_goaway_of_a_client_lets_its_calls_end(raw, methods):
    client = Client(raw)
    client.ask()
    await raw.send(client.h2.data_to_send() + GoAwayFrame(0).serialize())
    (ended,) = await client.until(TrailersReceived)
    assert ("grpc-status", "0") in ended.headers


async def test_a_leaving_server_says_so_and_takes_nothing_more(raw, server, methods, until):
    client = Client(raw)
    client.ask([(k, "/Test/wait" if k == ":path" else v) for k, v in HEADERS])
    await client.flush()
    await until(lambda: methods.running == 1)
    (guest,) = server._host._guests
    guest.connection.leave()
    guest.calls._leaving = True
    late = client.ask()
    said = client.h2.data_to_send()
    (goaway,) = await client.until(ConnectionTerminated)
    assert goaway.last_stream_id < late
    await raw.send(said)
    refusal = RstStreamFrame(late, ErrorCodes.REFUSED_STREAM).serialize()
    assert refusal in await raw.loop.sock_recv(raw.sock, 65536)
    guest.transport.abort()
