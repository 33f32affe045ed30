"""Files beside messages: nobody makes us hold what we did not ask for, or use another's."""

import asyncio
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from nsm.api.mechanism import INODE_URL, KERNEL, LOCAL, NAME, Mechanism
from nsm.api.registration import Endpoint
from nsm.dataplane.netns import Netns, returning_home, unshare
from nsm.rpc.fds import MOST_UNCLAIMED
from nsm.wire import encode, methods

from .agency import caller
from .raw import Answer, HungUp, Mouth, Wire, open_files
from .realm import EMPTY, MANAGER, Person, Realm

pytestmark = [
    pytest.mark.attacks,
    pytest.mark.linux,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root: makes network namespaces"),
]

LITTLE = ("grpc-timeout", "700m")


@pytest.fixture
def namespace() -> Iterator[int]:
    """A network namespace of the test's, open."""
    with returning_home():
        unshare()
        netns = Netns.current()
    yield netns.fd
    netns.close()


def named(fd: int) -> str:
    """What the file is called on the wire."""
    found = os.fstat(fd)
    return f"inode://{found.st_dev}/{found.st_ino}"


async def give(mouth: Mouth, *fds: int) -> None:
    """Send files beside a harmless frame."""
    mouth.h2.ping(b"12345678")
    assert mouth.wire.tls
    mouth.wire.tls.write(mouth.h2.data_to_send())
    await mouth.wire.put(mouth.wire.leaves.read(), fds)


async def ask_for(who: Person, mouth: Mouth, url: str, wait: tuple[str, str] = LITTLE) -> Answer:
    """Ask for a vWire into the namespace of that name."""
    wish = replace(
        who.wish(), preferences=(Mechanism(LOCAL, KERNEL, {NAME: "nsm-1", INODE_URL: url}),)
    )
    headers = [header for header in who.headers() if header[0] != "grpc-timeout"]
    return await mouth.ask(methods.REQUEST.path, encode(wish), [*headers, wait])


async def settled(count: Callable[[], int], most: int) -> int:
    """The count, once it is small enough, or after a while."""
    for _ in range(300):
        if count() <= most:
            break
        await asyncio.sleep(0.01)
    return count()


@contextmanager
def many(count: int) -> Iterator[Sequence[int]]:
    """So many files that are all others."""
    fds = [os.memfd_create(f"flood-{number}") for number in range(count)]
    try:
        yield fds
    finally:
        for fd in fds:
            os.close(fd)


async def test_a_flood_of_files_is_bounded_and_let_go_of(
    realm: Realm, alice: Person, mallory: Person, namespace: int
) -> None:
    url = realm.manager.addresses[0]
    assert (await alice.ask(url)).status == 0
    before = open_files()
    with many(2 * MOST_UNCLAIMED) as fds:
        mouth = await mallory.mouth(url)
        for at in range(0, len(fds), 64):
            with suppress(HungUp):  # it is, once it is too much
                await give(mouth, *fds[at : at + 64])
            await asyncio.sleep(0.01)
            assert open_files() - before - len(fds) <= MOST_UNCLAIMED + 8
        await mouth.wire.until_hung_up()
        mouth.wire.close()
    assert await settled(open_files, before) <= before
    async with await alice.mouth(url) as mouth:
        await give(mouth, namespace)
        assert (await ask_for(alice, mouth, named(namespace))).status == 0


async def test_more_files_than_fit_end_the_connection(realm: Realm, mallory: Person) -> None:
    url = realm.manager.addresses[0]
    before = open_files()
    with many(200) as fds:
        mouth = await mallory.mouth(url)
        await give(mouth, *fds)
        with pytest.raises(HungUp):
            await ask_for(mallory, mouth, named(fds[0]))
        mouth.wire.close()
    assert await settled(open_files, before) <= before
    assert realm.unmoved


async def test_files_from_nobody_are_not_kept(
    realm: Realm, mallory: Person, namespace: int
) -> None:
    """Before the handshake is over nothing is taken; and who never proves itself gets nothing."""
    url = realm.manager.addresses[0]
    before = open_files()
    wire = await Wire.to(url)
    with many(64) as fds, suppress(HungUp):
        for _ in range(20):
            await wire.put(b"x", fds)  # no ClientHello at all
    wire.close()
    assert await settled(open_files, before) <= before
    early = await Wire.to(url)
    early = Wire(early.sock, mallory.card.context())
    assert early.tls
    with suppress(Exception):
        early.tls.do_handshake()
    await early.put(early.leaves.read(), [namespace])
    await early.shake()
    mouth = Mouth(early)
    assert (await ask_for(mallory, mouth, named(namespace))).status == 4
    assert realm.unmoved
    await give(mouth, namespace)
    assert (await ask_for(mallory, mouth, named(namespace))).status == 0
    early.close()


@contextmanager
def wrong_kinds(folder: Path) -> Iterator[dict[str, int]]:
    ends = os.pipe()
    sock = socket.socket(socket.AF_UNIX)
    kinds = {
        "a file": os.memfd_create("file"),
        "a folder": os.open(folder, os.O_RDONLY),
        "a pipe": ends[0],
        "a socket": sock.fileno(),
        "a device": os.open("/dev/null", os.O_RDONLY),
        "another kind of namespace": os.open("/proc/self/ns/uts", os.O_RDONLY),
        "only the path of another kind": os.open("/proc/self/ns/mnt", os.O_PATH),
    }
    try:
        yield kinds
    finally:
        for fd in {*kinds.values(), ends[1]} - {sock.fileno()}:
            os.close(fd)
        sock.close()


async def test_a_file_that_is_no_network_namespace_is_refused(
    realm: Realm, mallory: Person, namespace: int, subtests: pytest.Subtests
) -> None:
    url = realm.manager.addresses[0]
    before = open_files()
    with wrong_kinds(realm.folder) as kinds:
        for kind, fd in kinds.items():
            async with await mallory.mouth(url) as mouth:
                with subtests.test(kind):
                    await give(mouth, fd)
                    answer = await ask_for(mallory, mouth, named(fd), ("grpc-timeout", "3S"))
                    assert answer.status == 3, answer.said
                    assert realm.unmoved
        held = len(kinds)  # by the forwarder, for a while: the manager sent each of them on
    assert await settled(open_files, before + held) <= before + held + 2
    async with await mallory.mouth(url) as mouth:
        await give(mouth, namespace)
        assert (await ask_for(mallory, mouth, named(namespace))).status == 0
    assert len(realm.builder.namespaces) == 1


async def test_a_socket_that_is_none_is_not_registered(realm: Realm, mallory: Person) -> None:
    url = realm.manager.addresses[0]
    fd = os.memfd_create("file")
    with socket.socket(socket.AF_UNIX) as listening:
        for file, status in ((fd, 3), (listening.fileno(), 0)):
            async with await mallory.mouth(url) as mouth:
                await give(mouth, file)
                record = Endpoint("nse-1", ("vpn",), url=named(file))
                headers = [*mallory.headers(MANAGER), ("path", EMPTY)]
                answer = await mouth.ask(methods.REGISTER_ENDPOINT.path, encode(record), headers)
                assert answer.status == status, answer.said
    os.close(fd)


async def test_a_file_that_never_comes_is_waited_for_no_longer_than_asked(
    realm: Realm, alice: Person, mallory: Person, namespace: int
) -> None:
    url = realm.manager.addresses[0]
    async with await mallory.mouth(url) as mouth:
        waiting = asyncio.create_task(ask_for(mallory, mouth, named(namespace)))
        assert (await alice.ask(url)).status == 0  # nobody else waits
        assert (await waiting).status == 4
        assert len(realm.builder.built) == 1
        await give(mouth, namespace)
        assert (await ask_for(mallory, mouth, named(namespace))).status == 0


async def test_another_s_file_is_not_to_be_had(
    realm: Realm, alice: Person, mallory: Person, namespace: int
) -> None:
    """What came on one connection is nothing to those who call on another, or by its path here."""
    url = realm.manager.addresses[0]
    async with await alice.mouth(url) as hers, await mallory.mouth(url) as mouth:
        await give(hers, namespace)
        assert (await ask_for(alice, hers, named(namespace))).status == 0
        path = realm.builder.built[0].preferences[0].get(INODE_URL)
        assert path.startswith("file:///proc/")
        for name in (named(namespace), path, "file:///proc/1/ns/net", "/proc/1/ns/net"):
            assert (await ask_for(mallory, mouth, name)).status in (3, 4)
        assert len(realm.builder.built) == 1


async def test_a_namespace_that_the_sender_may_not_enter_is_not_wired(
    realm: Realm, alice: Person, mallory: Person, namespace: int
) -> None:
    """Whoever reaches its file, bound to a path say, could else have it wired to a service."""
    url, path = shared(realm.manager.addresses[0])
    theirs = os.open(f"/proc/self/fd/{namespace}", os.O_PATH)
    with caller(path, user=65534) as (sock, pid):
        mouth = await over(sock, mallory)
        await give(mouth, theirs)
        answer = await ask_for(mallory, mouth, named(theirs), ("grpc-timeout", "3S"))
        assert answer.status == 7, answer.said
        assert realm.unmoved
        own = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
        await give(mouth, own)
        assert (await ask_for(mallory, mouth, named(own))).status == 0
    async with await alice.mouth(url) as mouth:  # root may enter it
        await give(mouth, theirs)
        assert (await ask_for(alice, mouth, named(theirs))).status == 0
    os.close(theirs)
    os.close(own)


async def over(sock: socket.socket, who: Person) -> Mouth:
    """What `who` says on a connection that somebody else made."""
    wire = Wire(sock.dup(), who.card.context())
    await wire.shake()
    return Mouth(wire)


def shared(url: str) -> tuple[str, Path]:
    """The socket, where other users reach it: pytest's folders are its user's alone."""
    path = Path(url.removeprefix("unix://"))
    for folder in path.parents:
        if folder.stat().st_mode & 0o001:
            break
        folder.chmod(0o755)
    return url, path
