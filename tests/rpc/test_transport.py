"""The transport, over real socket pairs, with an inner protocol that only listens."""

import asyncio
import os
import socket
import ssl
import struct
from array import array

import pytest

from nsm.errors import NsmError, TooLate, Unauthenticated, Unreachable
from nsm.rpc import fds
from nsm.rpc import transport as module
from nsm.rpc.fds import inode_of
from nsm.rpc.plug import Plug
from nsm.rpc.tls import ClearSession, TlsSession
from nsm.rpc.transport import SocketTransport
from nsm.sdk.clock import Clock


class Ear(asyncio.Protocol):
    """Remembers what it heard."""

    def __init__(self):
        self.made = 0
        self.heard = bytearray()
        self.lost = []
        self.pauses = []

    def connection_made(self, transport):
        self.made += 1
        self.transport = transport

    def data_received(self, data):
        assert self.made == 1
        self.heard += data

    def connection_lost(self, error):
        assert self.made == 1
        self.lost.append(error)

    def pause_writing(self):
        self.pauses.append("pause")

    def resume_writing(self):
        self.pauses.append("resume")


class End:
    """One end of a socket pair with its transport."""

    def __init__(self, sock, session, clock=None):
        self.ear = Ear()
        self.settled = []
        self.transport = SocketTransport(
            Plug(sock),
            session,
            self.ear,
            clock or Clock(),
            lambda _, error: self.settled.append(error),
        )
        self.files = self.transport.files


@pytest.fixture
async def ends():
    """Make transports that are gone when the test is over."""
    made = []

    def make(*args):
        made.append(End(*args))
        return made[-1]

    yield make
    for end in made:
        end.transport.abort()
    await asyncio.sleep(0)


@pytest.fixture
async def pair(ends, server_identity, client_identity, until):
    left, right = socket.socketpair()
    client = ends(left, TlsSession(client_identity, server=False))
    server = ends(right, TlsSession(server_identity, server=True))
    client.transport.start()
    server.transport.start()
    await until(lambda: client.ear.made and server.ear.made)
    return client, server


async def test_both_ends_know_each_other_before_the_protocol_begins(pair):
    client, server = pair
    assert client.transport.peer.id == "spiffe://example.org/server"
    assert server.transport.peer.id == "spiffe://example.org/client"
    assert client.settled == server.settled == [None]


async def test_bytes_arrive_whole_and_in_order(pair, until):
    client, server = pair
    said = os.urandom(1_500_000)
    for at in range(0, len(said), 50_000):
        client.transport.write(said[at : at + 50_000])
    server.transport.write(b"and back")
    await until(lambda: len(server.ear.heard) == len(said))
    assert server.ear.heard == said
    await until(lambda: client.ear.heard == b"and back")


async def test_writes_of_one_turn_leave_together(pair, until):
    client, server = pair
    for word in (b"one ", b"two ", b"three"):
        client.transport.write(word)
    assert client.transport.get_write_buffer_size() == 13
    await until(lambda: server.ear.heard)
    assert server.ear.heard == b"one two three"


async def test_a_file_arrives_beside_the_bytes(pair, tmp_path):
    client, server = pair
    with (tmp_path / "file").open("w+") as file:
        file.write("what it says")
        file.flush()
        inode = client.files.send(file.fileno())
        client.transport.write(b"x")
        fd = await asyncio.wait_for(server.files.receive(inode), 5)
        try:
            assert fd != file.fileno()
            assert os.pread(fd, 100, 0) == b"what it says"
            assert not os.get_inheritable(fd)
        finally:
            os.close(fd)


async def test_many_files_leave_in_one_write(pair, tmp_path, until):
    client, server = pair
    kept = [os.open(tmp_path / str(n), os.O_CREAT | os.O_RDWR) for n in range(100)]
    inodes = [client.files.send(fd) for fd in kept]
    for fd in kept:
        os.close(fd)
    client.transport.write(b"y" * 100)
    for inode in inodes:
        fd = await asyncio.wait_for(server.files.receive(inode), 5)
        assert inode_of(fd) == inode
        os.close(fd)
    await until(lambda: server.ear.heard == b"y" * 100)


async def test_a_file_that_cannot_be_read_arrives_all_the_same(pair):
    client, server = pair
    fd = os.open("/proc/self/ns/net", os.O_PATH)
    inode = client.files.send(fd)
    os.close(fd)
    client.transport.write(b"x")
    received = await asyncio.wait_for(server.files.receive(inode), 5)
    again = os.open(f"/proc/self/fd/{received}", os.O_RDONLY)
    assert inode_of(again) == inode
    os.close(received)
    os.close(again)


async def test_several_files_in_one_message_all_arrive(ends, tmp_path, until):
    left, right = socket.socketpair()
    end = ends(right, ClearSession())
    end.transport.start()
    kept = [os.open(tmp_path / str(n), os.O_CREAT | os.O_RDWR) for n in range(5)]
    left.sendmsg([b"z"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", kept))])
    for fd in kept:
        received = await asyncio.wait_for(end.files.receive(inode_of(fd)), 5)
        os.close(received)
        os.close(fd)
    left.close()


async def test_files_sent_before_the_handshake_are_closed(ends, server_identity, tmp_path, until):
    left, right = socket.socketpair()
    end = ends(right, TlsSession(server_identity, server=True))
    end.transport.start()
    read, write = os.pipe()
    left.sendmsg([b"\x16"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", [write]))])
    os.close(write)
    assert await asyncio.to_thread(os.read, read, 1) == b""  # nobody holds the other end any more
    assert len(end.files) == 0
    os.close(read)
    left.close()


async def test_more_files_than_a_message_may_hold_end_the_connection(ends, tmp_path, until):
    left, right = socket.socketpair()
    end = ends(right, ClearSession())
    end.transport.start()
    read, write = os.pipe()
    left.sendmsg([b"z"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", [write] * 100))])
    os.close(write)
    await until(lambda: end.ear.lost)
    assert "more files" in str(end.ear.lost[0])
    assert os.read(read, 1) == b""
    os.close(read)
    left.close()


async def test_a_flood_of_files_ends_the_connection_and_closes_them(ends, tmp_path, until):
    before = fds.SHARED.left
    left, right = socket.socketpair()
    end = ends(right, ClearSession())
    end.transport.start()
    for n in range(fds.MOST_UNCLAIMED + 1):
        fd = os.open(tmp_path / str(n), os.O_CREAT | os.O_RDWR)
        left.sendmsg([b"z"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("i", fd))])
        os.close(fd)
        await asyncio.sleep(0)
    await until(lambda: end.ear.lost)
    assert "nobody asked for" in str(end.ear.lost[0])
    assert fds.SHARED.left == before
    left.close()


async def test_a_peer_without_a_certificate_is_refused(
    ends, server_identity, client_identity, until
):
    client_identity.shows_certificate = False
    left, right = socket.socketpair()
    client = ends(left, TlsSession(client_identity, server=False))
    server = ends(right, TlsSession(server_identity, server=True))
    client.transport.start()
    server.transport.start()
    await until(lambda: server.settled)
    assert isinstance(server.settled[0], Unauthenticated)
    assert server.ear.made == 0


async def test_a_peer_that_is_not_welcome_never_reaches_the_protocol(
    ends, server_identity, authority, until
):
    banned = authority.identity("spiffe://example.org/banned")
    left, right = socket.socketpair()
    client = ends(left, TlsSession(banned, server=False))
    server = ends(right, TlsSession(server_identity, server=True))
    client.transport.start()
    server.transport.start()
    await until(lambda: server.settled)
    assert "not welcome" in str(server.settled[0])
    assert server.ear.made == 0
    assert server.ear.lost == []


async def test_a_peer_that_does_not_offer_http2_is_refused(ends, server_identity, authority, until):
    class Old(type(server_identity)):
        def client_context(self):
            context = super().client_context()
            context.set_alpn_protocols(["http/1.1"])
            return context

    plain = authority.identity("spiffe://example.org/old")
    left, right = socket.socketpair()
    client = ends(left, TlsSession(Old(plain.id, plain.file, plain.bundle), server=False))
    server = ends(right, TlsSession(server_identity, server=True))
    client.transport.start()
    server.transport.start()
    await until(lambda: server.settled and client.settled)
    assert "HTTP/2" in str(client.settled[0])
    assert server.ear.made == 0


async def test_tls_12_is_spoken_too(ends, server_identity, authority, until):
    class Old(type(server_identity)):
        def client_context(self):
            context = super().client_context()
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            return context

    plain = authority.identity("spiffe://example.org/old")
    left, right = socket.socketpair()
    client = ends(left, TlsSession(Old(plain.id, plain.file, plain.bundle), server=False))
    server = ends(right, TlsSession(server_identity, server=True))
    client.transport.start()
    server.transport.start()
    await until(lambda: server.ear.made and client.ear.made)
    client.transport.write(b"hello")
    await until(lambda: server.ear.heard == b"hello")


async def test_noise_instead_of_a_handshake_is_refused(ends, server_identity, until):
    left, right = socket.socketpair()
    server = ends(right, TlsSession(server_identity, server=True))
    server.transport.start()
    left.send(b"GET / HTTP/1.0\r\n\r\n")
    await until(lambda: server.settled)
    assert isinstance(server.settled[0], NsmError)
    left.close()


async def test_a_silent_peer_is_given_up(ends, server_identity, until):
    class Hasty(Clock):
        def after(self, seconds, ring):
            asked.append(seconds)
            return super().after(seconds / 1000, ring)

    asked = []
    left, right = socket.socketpair()
    server = ends(right, TlsSession(server_identity, server=True), Hasty())
    server.transport.start()
    await until(lambda: server.settled)
    assert asked == [module.HANDSHAKE]
    assert isinstance(server.settled[0], TooLate)
    left.close()


async def test_a_peer_that_hangs_up_in_the_handshake_is_not_heard_of(ends, server_identity, until):
    left, right = socket.socketpair()
    server = ends(right, TlsSession(server_identity, server=True))
    server.transport.start()
    left.close()
    await until(lambda: server.settled)
    assert isinstance(server.settled[0], Unreachable)
    assert server.ear.made == 0


async def test_what_was_written_before_close_still_arrives(pair, until):
    client, server = pair
    said = os.urandom(1_000_000)
    client.transport.write(said)
    client.transport.close()
    await until(lambda: server.ear.lost and client.ear.lost)
    assert server.ear.heard == said
    assert server.ear.lost == client.ear.lost == [None]


async def test_abort_waits_for_nobody(pair, until):
    client, server = pair
    server.transport.pause_reading()
    client.transport.write(os.urandom(1_000_000))
    client.transport.abort()
    await until(lambda: client.ear.lost)
    assert client.transport.is_closing()


async def test_a_slow_reader_is_waited_for_and_then_goes_on(pair, until):
    client, server = pair
    server.transport.pause_reading()
    said = os.urandom(1_500_000)
    client.transport.write(said)
    assert client.ear.pauses == ["pause"]
    server.transport.resume_reading()
    await until(lambda: len(server.ear.heard) == len(said))
    assert client.ear.pauses == ["pause", "resume"]


async def test_a_peer_that_never_reads_is_dropped_before_memory_grows(pair, until):
    client, server = pair
    server.transport.pause_reading()
    piece = bytes(100_000)
    written = 0
    while not client.transport.is_closing():
        client.transport.write(piece)
        written += len(piece)
        assert written < 2 * module.MOST_UNSENT
    await until(lambda: client.ear.lost)
    assert "does not read" in str(client.ear.lost[0])


async def test_a_file_waits_behind_a_full_socket_and_arrives_once(pair, tmp_path, until):
    client, server = pair
    server.transport.pause_reading()
    said = os.urandom(1_000_000)
    client.transport.write(said)
    fd = os.open(tmp_path / "file", os.O_CREAT | os.O_RDWR)
    inode = client.files.send(fd)
    os.close(fd)
    client.transport.write(b"!")
    await asyncio.sleep(0.01)
    assert len(client.files.outgoing) == 1
    server.transport.resume_reading()
    received = await asyncio.wait_for(server.files.receive(inode), 5)
    os.close(received)
    await until(lambda: server.ear.heard == said + b"!")
    assert not client.files.outgoing


async def test_paused_reading_delivers_nothing_and_then_everything(pair, until):
    client, server = pair
    server.transport.pause_reading()
    client.transport.write(b"later")
    await asyncio.sleep(0.01)
    assert server.ear.heard == b""
    server.transport.resume_reading()
    await until(lambda: server.ear.heard == b"later")


async def test_a_protocol_that_fails_ends_only_its_own_connection(pair, until, caplog):
    client, server = pair

    def stumble(data):
        raise RuntimeError("a secret of ours")

    server.ear.data_received = stumble
    client.transport.write(b"x")
    await until(lambda: server.ear.lost)
    assert "secret" not in str(server.ear.lost[0])
    assert "a secret of ours" in caplog.text


async def test_those_who_wait_for_a_file_hear_that_the_connection_closed(pair):
    client, server = pair
    waiting = asyncio.ensure_future(server.files.receive(fds.Inode(1, 2)))
    await asyncio.sleep(0)
    client.transport.close()
    with pytest.raises(Unreachable):
        await asyncio.wait_for(waiting, 5)
