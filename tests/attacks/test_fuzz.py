"""Half a minute of nonsense that nearly makes sense; whatever it finds becomes a test of its own.

NSM_FUZZ_SECONDS is how long each part may take, NSM_FUZZ_SEED repeats a run.
"""

import asyncio
import logging
import os
import random
import socket
import time
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection

from nsm.api.connection import Request
from nsm.api.context import ConnectionContext, DnsConfig, DnsContext, IpContext, Route
from nsm.api.labels import Labels
from nsm.api.mechanism import INODE_URL, KERNEL, LOCAL, NAME, REMOTE, VXLAN, Mechanism
from nsm.api.monitoring import Selector
from nsm.api.names import NsUrl
from nsm.api.registration import Destination, Endpoint, Match, NetworkService, Query
from nsm.api.timestamp import Timestamp
from nsm.errors import Invalid
from nsm.identity import jwt
from nsm.identity.evidence import Evidence
from nsm.identity.policies import SERVER, Policies
from nsm.sdk import Peer
from nsm.wire import encode, methods
from nsm.wire.headers import read_moment, read_path

from .forging import token
from .raw import HungUp, Mouth, Wire, open_files
from .realm import MANAGER, Person, Realm

pytestmark = pytest.mark.attacks

SECONDS = float(os.environ.get("NSM_FUZZ_SECONDS", "5"))
SEED = int(os.environ.get("NSM_FUZZ_SEED", random.SystemRandom().getrandbits(32)))
INTERNAL, UNKNOWN = 13, 2


class Chance(random.Random):
    """What makes nonsense out of sense."""

    def nonsense(self, data: bytes, others: Sequence[bytes] = ()) -> bytes:
        """The same, but for a few changes."""
        made = bytearray(data)
        for _ in range(self.choice((1, 1, 1, 2, 3, 8))):
            self.change(made, others)
        return bytes(made)

    def change(self, made: bytearray, others: Sequence[bytes]) -> None:
        at, size = self.randrange(len(made) + 1), self.choice((1, 1, 2, 4, 16, 64))
        match self.randrange(8):
            case 0:
                made[at : at + size] = self.randbytes(size)
            case 1:
                del made[at : at + size]
            case 2:
                made[at:at] = self.randbytes(size)
            case 3:
                made[at:at] = made[at : at + size] * self.choice((1, 2, 100))
            case 4:
                made[at : at + 1] = bytes([self.choice((0, 1, 0x7F, 0x80, 0xFF, 0x0A, 0x12))])
            case 5:
                other = self.choice(others) if others else made
                start = self.randrange(len(other) + 1)
                made[at:at] = other[start : start + self.choice((8, 64, 512))]
            case 6 if at < len(made):
                made[at] ^= 1 << self.randrange(8)
            case _:
                made[:] = made[:at]


@pytest.fixture
def chance() -> Chance:
    return Chance(SEED)


def turns() -> Iterator[int]:
    """Numbers, for as long as there is time."""
    until, count = time.monotonic() + SECONDS, 0
    while time.monotonic() < until:
        yield count
        count += 1
    assert count > 20, f"only {count} turns in {SECONDS} s"


@pytest.fixture(autouse=True)
def nothing_is_logged_as_a_bug(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """An error that nobody meant is logged with its traceback; it is a find."""
    yield
    bugs = [
        record for record in caplog.records if record.exc_info and record.levelno >= logging.ERROR
    ]
    assert not bugs, f"seed {SEED}: {bugs[0].getMessage()}\n{bugs[0].exc_text}"


def nouns(who: Person) -> dict[str, list[bytes]]:
    """Honest messages of every method of a manager, each with much in it."""
    wish = who.wish()
    labels = {"app": "web", "color": "blue"}
    ip = IpContext(
        ("172.16.0.1/32",),
        ("172.16.0.0/32", "2001:db8::/128"),
        src_routes=(Route("10.0.0.0/8", "172.16.0.0"),),
        excluded_prefixes=("192.168.0.0/16",),
    )
    context = ConnectionContext(
        ip, DnsContext((DnsConfig(("10.0.0.1",), ("x.org",)),)), None, {}, 1500
    )
    offers = (
        Mechanism(LOCAL, KERNEL, {NAME: "nsm-1", INODE_URL: "inode://4/4026531840"}),
        Mechanism(REMOTE, VXLAN, {"src_ip": "10.0.0.1", "vni": "7", "MTU": "1400"}),
    )
    conn = replace(wish.connection, labels=labels, context=context, endpoint="nse", payload="IP")
    service = NetworkService("vpn", "IP", (Match({"a": "b"}, (Destination({"c": "d"}, 1),), True),))
    endpoint = Endpoint(
        "nse-1",
        ("vpn",),
        {"vpn": Labels(labels)},
        "tcp://10.0.0.1:5001",
        Timestamp.at(time.time() + 60),
        path_ids=("spiffe://test/a",),
    )
    said = {
        methods.REQUEST: [wish, Request(conn), replace(wish, preferences=offers[1:])],
        methods.CLOSE: [conn, wish.connection],
        methods.MONITOR: [Selector(wish.connection.hops.segments, ("vpn",)), Selector()],
        methods.REGISTER_SERVICE: [service],
        methods.UNREGISTER_SERVICE: [service],
        methods.FIND_SERVICE: [Query(service), Query(service, watch=True)],
        methods.REGISTER_ENDPOINT: [endpoint],
        methods.UNREGISTER_ENDPOINT: [endpoint],
        methods.FIND_ENDPOINT: [Query(endpoint), Query(Endpoint(), watch=True)],
    }
    return {method.path: [encode(noun) for noun in each] for method, each in said.items()}


async def test_messages_into_a_whole_manager(realm: Realm, mallory: Person, chance: Chance) -> None:
    url = realm.manager.addresses[0]
    known = nouns(mallory)
    every = [noun for each in known.values() for noun in each]
    paths = ['{"Index":0,"PathSegments":null}', '{"Index":1,"PathSegments":[{"token":"a.b.c"}]}']
    async with await mallory.mouth(url) as mouth:
        for _ in turns():
            method = chance.choice(list(known))
            message = chance.nonsense(chance.choice(known[method]), every)
            header = chance.choice(paths)
            if chance.random() < 0.2:
                header = text(chance.nonsense(header.encode()))
            headers = [*mallory.headers()[:2], ("grpc-timeout", "30m"), ("path", header)]
            answer = await mouth.ask(method, message, headers)
            assert answer.status not in (INTERNAL, UNKNOWN), (SEED, method, message, header)
    assert (await realm.person("alice").ask(url)).status == 0


def text(data: bytes) -> str:
    """Bytes as a header may hold them."""
    return "".join(chr(byte) for byte in data if 0x20 <= byte < 0x7F)


async def test_frames_into_rpc(realm: Realm, mallory: Person, chance: Chance) -> None:
    url = realm.manager.addresses[0]
    spoken = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
    spoken.initiate_connection()
    lead = [(":method", "POST"), (":scheme", "https"), (":authority", "x")]
    for path, messages in nouns(mallory).items():
        number = spoken.get_next_available_stream_id()
        spoken.send_headers(
            number,
            [*lead, (":path", path), ("content-type", "application/grpc"), *mallory.headers()],
        )
        message = messages[0]
        spoken.send_data(number, b"\0" + len(message).to_bytes(4) + message, end_stream=True)
        spoken.ping(b"12345678")
    honest = spoken.data_to_send()
    for turn in turns():
        wire = await Wire.to(url, mallory.card.context())
        with suppress(TimeoutError, HungUp):
            if turn % 4:
                await wire.send(chance.nonsense(honest))
            else:  # below TLS: what is no record at all
                await wire.put(chance.nonsense(honest))
            await asyncio.wait_for(wire.receive(), 0.01)
        wire.close()
        Wire.made.clear()
    assert (await realm.person("alice").ask(url)).status == 0


async def test_tokens(realm: Realm, mallory: Person, chance: Chance) -> None:
    honest = mallory.token()
    unsigned = mallory.token(alg="none")
    leaf = mallory.card.chain[0]
    strange = [token(mallory.card, mallory.id, aud) for aud in (None, {}, [1], [["x"]], "x", [""])]
    seen = [each.encode() for each in (honest, unsigned, *strange)]
    signed = [each.rpartition(".")[0] for each in (honest, *strange)]
    policies, peer = Policies.select(SERVER), Peer(mallory.id, leaf)
    for _ in turns():
        for _ in range(50):
            said = chance.nonsense(chance.choice(seen), seen).decode("latin-1")
            with suppress(Invalid):
                jwt.read(said)
            good = jwt.signed_by(said, leaf)
            assert not good or said.rpartition(".")[0] in signed, (SEED, said)
            evidence = Evidence((said, honest), 1, peer, time.time())
            with suppress(Exception):
                policies.check(evidence, "here")
                raise AssertionError(f"seed {SEED}: {said} is believed")
            for read in (read_moment, read_path):
                with suppress(Invalid):
                    read(said)
    assert jwt.signed_by(honest, leaf)


def test_ns_urls(chance: Chance) -> None:
    seen = [
        b"kernel://service@domain/nsm-1?color=blue&app=web",
        b"memif://a.b-c_d/eth0?x=%20y",
        b"kernel://svc",
        b"vfio://x/y?sriovToken=a/b",
        "kernel://sérvice/ü?ß=%C3%9F".encode(),
    ]
    for _ in turns():
        for _ in range(200):
            said = chance.nonsense(chance.choice(seen), seen).decode("utf-8", "surrogateescape")
            url = refusal = None
            try:
                url = NsUrl.parse(said)
            except Invalid as error:
                refusal = str(error)
            assert url is None or NsUrl.parse(str(url)) == url, (SEED, said)
            assert refusal is None or (refusal.isprintable() and len(refusal) < 1000), (SEED, said)


@contextmanager
def kinds_of_files() -> Iterator[list[int]]:
    made = [os.memfd_create("fuzz"), *os.pipe(), os.open("/", os.O_PATH)]
    made += [os.open("/dev/null", os.O_RDWR), socket.socket(socket.AF_UNIX).detach()]
    try:
        yield made
    finally:
        for fd in made:
            os.close(fd)


async def test_files_beside_bytes(realm: Realm, mallory: Person, chance: Chance) -> None:
    """Any number of any kind, in any grouping, with bytes that may be none."""
    url = realm.manager.addresses[0]
    with kinds_of_files() as kinds:
        before = open_files()
        for _ in turns():
            shows = chance.random() < 0.7
            wire = await Wire.to(url, mallory.card.context() if shows else None)
            for _ in range(chance.randrange(1, 6)):
                count = chance.choice((0, 1, 2, 60, 64, 65, 250))
                throw(wire, chance, [chance.choice(kinds) for _ in range(count)])
                await asyncio.sleep(0)
            wire.close()
            Wire.made.clear()
        for _ in range(200):
            if open_files() <= before + 8:
                break
            await asyncio.sleep(0.01)
        assert open_files() <= before + 8, SEED
    assert (await realm.person("alice").ask(url)).status == 0


def throw(wire: Wire, chance: Chance, files: Sequence[int]) -> None:
    """Files beside a frame, or beside what may be one."""
    mouth = Mouth(wire)
    mouth.h2.ping(chance.randbytes(8))
    said = mouth.h2.data_to_send()
    if wire.tls:
        wire.tls.write(said)
        said = wire.leaves.read()
    if chance.random() < 0.2:
        said = chance.nonsense(said)
    rides = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", files))] if files else []
    with suppress(OSError):
        wire.sock.sendmsg([said], rides)


def test_nonsense_is_mostly_not_sense(chance: Chance) -> None:
    """Else all of the above would try the same honest thing again and again."""
    honest = b"kernel://service/nsm-1?color=blue" * 3
    made = {chance.nonsense(honest) for _ in range(200)}
    assert len(made) > 150
    assert MANAGER not in {each.decode("latin-1") for each in made}
