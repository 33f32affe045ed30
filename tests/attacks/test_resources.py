"""Whoever wastes a program's time, memory or sockets wastes little of it, and nobody else's."""

import asyncio
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import pytest
from h2.errors import ErrorCodes
from hyperframe.frame import ContinuationFrame, HeadersFrame, PingFrame, RstStreamFrame

from nsm.api.labels import Labels
from nsm.api.registration import Endpoint
from nsm.rpc.transport import HANDSHAKE
from nsm.wire import encode

from .raw import Answer, HungUp, Mouth
from .siege import Besieged, running

pytestmark = pytest.mark.attacks

FIND = "/registry.NetworkServiceEndpointRegistry/Find"
REGISTER = "/registry.NetworkServiceEndpointRegistry/Register"


@pytest.fixture(scope="module")
def besieged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Besieged]:
    with running(tmp_path_factory.mktemp("siege")) as made:
        yield made


async def greeted(besieged: Besieged) -> Mouth:
    """A connection that has said who it is, and is through with SETTINGS."""
    mouth = await Mouth.to(besieged.url, besieged.person.card.context())
    await mouth.flush()
    await mouth.turn()
    return mouth


LEAD = [
    (":method", "POST"),
    (":scheme", "https"),
    (":authority", "localhost"),
    (":path", FIND),
    ("content-type", "application/grpc"),
]


@pytest.fixture(scope="module")
def knockers(besieged: Besieged) -> Iterator["Knockers"]:
    """More than may knock at once; as far as it is up to them, they stay while all else happens."""
    made = Knockers([], time.monotonic())
    for number in range(300):
        sock = socket.socket(socket.AF_UNIX)
        made.socks.append(sock)
        sock.connect(besieged.url.removeprefix("unix://"))
        if number % 2:  # the rest of a ClientHello is to come
            with suppress(OSError):
                sock.send(b"\x16\x03\x01\x02\x00\x01")
        sock.settimeout(0.1)
    yield made
    for sock in made.socks:
        sock.close()


@dataclass(frozen=True)
class Knockers:
    """Connections that begin handshakes and never end them."""

    socks: list[socket.socket]
    since: float

    def gone(self) -> int:
        """How many were hung up on."""
        return sum(map(hung_up, self.socks))


def hung_up(sock: socket.socket) -> bool:
    try:
        return sock.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


async def test_those_who_knock_and_never_enter_keep_nobody_out(
    besieged: Besieged, knockers: Knockers
) -> None:
    async with besieged.under_attack() as honest:
        await honest.twice()


async def test_the_honest_alone_are_answered(besieged: Besieged) -> None:
    """What the others are measured by."""
    async with besieged.under_attack() as honest:
        await asyncio.sleep(0.3)
    assert honest.answered >= 2


async def test_slow_headers(besieged: Besieged) -> None:
    async with besieged.under_attack() as honest:
        mouths = [await greeted(besieged) for _ in range(20)]
        whole = HeadersFrame(1, b"\x40" + b"\x04slow\x7f\xff\x7f").serialize()
        for byte in whole:
            for mouth in mouths:
                with suppress(HungUp):
                    await mouth.wire.send(bytes([byte]))
            await asyncio.sleep(0.01)
        await honest.twice()


async def test_resets(besieged: Besieged) -> None:
    """Calls begun and given up, faster than anybody would."""
    async with besieged.under_attack() as honest:
        mouth, sent = await greeted(besieged), 0
        with suppress(HungUp):
            while sent < 40_000:
                frames = []
                for _ in range(500):
                    number = mouth.h2.get_next_available_stream_id()
                    mouth.h2.send_headers(number, LEAD)
                    mouth.h2.reset_stream(number, ErrorCodes.CANCEL)
                    frames.append(mouth.h2.data_to_send())
                sent += 500
                await mouth.wire.send(b"".join(frames))
        assert sent < 40_000
        await honest.twice()


async def test_resets_of_streams_that_never_were(besieged: Besieged) -> None:
    async with besieged.under_attack():
        mouth, sent = await greeted(besieged), 0
        frames = b"".join(RstStreamFrame(number).serialize() for number in range(1, 2001, 2))
        with suppress(HungUp):
            while sent < 100:
                await mouth.wire.send(frames)
                sent += 1
        assert sent < 100


@pytest.mark.parametrize("count", [70, 1000])
async def test_headers_larger_than_any(besieged: Besieged, count: int) -> None:
    async with besieged.under_attack():
        mouth = await greeted(besieged)
        with pytest.raises(HungUp):
            await mouth.ask(FIND, b"", [(f"x{n}", "y" * 1000) for n in range(count)])


async def test_headers_that_grow_when_they_are_unpacked(besieged: Besieged) -> None:
    """One large entry of the table, named again and again, a byte each time."""
    async with besieged.under_attack():
        mouth = await greeted(besieged)
        entry = b"\x40\x01x\x7f\xa1\x1e" + b"y" * 4000
        block = entry + b"\xbe" * 12_000
        frame = HeadersFrame(1, block, flags=["END_HEADERS"]).serialize()
        with suppress(HungUp):
            await mouth.wire.send(frame)
        await mouth.wire.until_hung_up()


async def test_headers_without_end(besieged: Besieged) -> None:
    async with besieged.under_attack():
        for block in (b"", b"\x82", b"\x00\x01x\x7f\x80\x7c" + b"y" * 16_000):
            mouth, sent = await greeted(besieged), 0
            with suppress(HungUp):
                await mouth.wire.send(HeadersFrame(1, b"\x82").serialize())
                while sent < 64 << 20:
                    frames = ContinuationFrame(1, block).serialize() * 100
                    await mouth.wire.send(frames)
                    sent += max(len(frames), 1 << 16)
            assert sent < 16 << 20


async def test_one_who_pings_and_never_reads(besieged: Besieged) -> None:
    async with besieged.under_attack():
        mouth, sent = await greeted(besieged), 0
        frames = PingFrame(0, b"12345678").serialize() * 1000
        with suppress(HungUp):
            while sent < 4000:
                await mouth.wire.send(frames)
                sent += 1
        assert sent < 4000


async def test_many_who_ask_for_much_and_never_read(besieged: Besieged) -> None:
    person = besieged.person
    async with await person.mouth(besieged.url) as mouth:
        for number in range(50):
            labels = Labels({"k": "v" * 60_000})
            record = Endpoint(f"fat{number}", ("vpn",), {"vpn": labels}, "tcp://x:1")
            headers = [*person.headers(person.id), ("path", '{"Index":0,"PathSegments":null}')]
            answer = await mouth.ask(REGISTER, encode(record), headers)
            assert answer.status == 0, answer.said
    async with besieged.under_attack():
        mouths = [await greeted(besieged) for _ in range(10)]
        for mouth in mouths:
            mouth.h2.increment_flow_control_window((1 << 31) - 1 - 65535)
            for _ in range(50):
                number = await mouth.begin(FIND, b"\x0a\x05\x12\x03vpn")
                mouth.h2.increment_flow_control_window(1 << 30, number)
            await mouth.flush()
        await asyncio.sleep(1)


@pytest.mark.parametrize("connections", [1, 8])
async def test_messages_that_are_never_whole(besieged: Besieged, connections: int) -> None:
    async with besieged.under_attack():
        mouths = [await greeted(besieged) for _ in range(connections)]
        filling = [asyncio.create_task(fill(mouth)) for mouth in mouths]
        await asyncio.wait(filling, timeout=3)
        for task in filling:
            task.cancel()
        await asyncio.gather(*filling, return_exceptions=True)


async def fill(mouth: Mouth) -> None:
    """Begin messages on as many streams as it takes, and leave the last byte of each unsaid."""
    with suppress(HungUp):
        for _ in range(200):
            number = mouth.h2.get_next_available_stream_id()
            mouth.h2.send_headers(number, LEAD)
            mouth.answers[number] = Answer()
            left = struct.pack(">BI", 0, 1 << 20) + bytes((1 << 20) - 1)
            while left and number not in mouth.ended:
                room = min(mouth.h2.local_flow_control_window(number), 16384, len(left))
                if not room:
                    await mouth.flush()
                    try:
                        async with asyncio.timeout(0.3):
                            await mouth.turn()
                    except TimeoutError:
                        break
                    continue
                mouth.h2.send_data(number, left[:room])
                left = left[room:]
            await mouth.flush()


async def test_those_who_knocked_are_all_gone_after_ten_seconds(
    besieged: Besieged, knockers: Knockers
) -> None:
    await asyncio.sleep(max(0.0, knockers.since + HANDSHAKE + 1.5 - time.monotonic()))
    assert knockers.gone() == len(knockers.socks)
