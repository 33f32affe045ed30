"""Nobody without a proper certificate of an authority we believe gets a word in, or out of us."""

import asyncio
import inspect
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509

from nsm.errors import NsmError
from nsm.identity.authority import Authority
from nsm.identity.bundle import Bundles
from nsm.identity.certificates import Ca, make_intermediate
from nsm.identity.source import Source
from nsm.rpc import Pool
from nsm.sdk import Clock

from .forging import Card, card
from .raw import HungUp, Wire
from .realm import Person, Realm

pytestmark = pytest.mark.attacks

MALLORY = "spiffe://test/mallory"
HOUR = 3600.0


def with_ca(realm: Realm, *more: x509.ExtensionType, uris: tuple[str, ...] = (MALLORY,)) -> Card:
    return card(realm.authority.roots[0], uris, *more)


def signing() -> x509.KeyUsage:
    said = {"key_cert_sign": True, "digital_signature": True}
    names = inspect.signature(x509.KeyUsage).parameters
    return x509.KeyUsage(**{name: said.get(name, False) for name in names})


def foreign(domain: str) -> Authority:
    return Authority(domain, Clock())


def vouched(realm: Realm) -> Card:
    """A member that has its own certificate vouch for another's."""
    member = realm.source("spiffe://test/alice").svid
    return below(Ca(x509.load_der_x509_certificate(member.leaf), member.key), *member.chain[1:])


def too_deep(realm: Realm) -> Card:
    """An authority below an intermediate, which may sign leaves only."""
    above = realm.authority.issuing
    return below(make_intermediate(above, "test", time.time(), HOUR), above.der)


def below(ca: Ca, *chain: bytes) -> Card:
    leaf = card(ca, [MALLORY])
    return Card((*leaf.chain, ca.der, *chain), leaf.key)


ATTACKERS: dict[str, Callable[[Realm], Card]] = {
    "no certificate": lambda _: Card(),
    "self-signed": lambda _: card(None, [MALLORY]),
    "right authority, no name": lambda realm: with_ca(realm, uris=()),
    "right authority, no SPIFFE id": lambda realm: with_ca(realm, uris=("https://test/mallory",)),
    "no member, the domain itself named with a port": lambda realm: with_ca(
        realm, uris=("spiffe://test:1/mallory",)
    ),
    "two names": lambda realm: with_ca(realm, uris=(MALLORY, "spiffe://test/alice")),
    "an authority": lambda realm: with_ca(realm, x509.BasicConstraints(ca=True, path_length=None)),
    "may sign": lambda realm: with_ca(realm, signing()),
    "a member's own certificate as an authority": vouched,
    "an authority below an intermediate": too_deep,
    "expired": lambda realm: card(realm.authority.roots[0], [MALLORY], since=-HOUR, until=-1),
    "not yet valid": lambda realm: card(realm.authority.roots[0], [MALLORY], since=60),
    "stranger that names our member": lambda _: card(foreign("test").roots[0], [MALLORY]),
    "friend that names our member": lambda _: card(FRIEND.roots[0], [MALLORY]),
    "foreign domain": lambda _: card(foreign("far").roots[0], ["spiffe://far/mallory"]),
    "our authority names a foreign domain": lambda realm: with_ca(
        realm, uris=("spiffe://far/mallory",)
    ),
}
FRIEND = foreign("friend")
"""Another domain's authority, which ours federates with: TLS alone lets it in."""


def befriend(realm: Realm) -> None:
    for program in realm.programs:
        bundles = {**realm.authority.bundles.anchors, **FRIEND.bundles.anchors}
        program.identity.update(program.identity.svid, Bundles(bundles))


async def test_a_friend_is_heard_under_its_own_name(realm: Realm) -> None:
    """So what keeps it out under one of ours is not that its authority is unknown."""
    befriend(realm)
    friend = card(FRIEND.roots[0], ["spiffe://friend/joe"])
    await Person("spiffe://friend/joe", friend).ask(realm.manager.addresses[0])
    assert realm.tap.heard == ["request of spiffe://friend/joe"]


@pytest.mark.parametrize("door", [0, 1], ids=["unix", "tcp"])
async def test_nobody_gets_in_without_a_proper_certificate(
    realm: Realm, mallory: Person, door: int, subtests: pytest.Subtests
) -> None:
    befriend(realm)
    url = realm.manager.addresses[door]
    for kind, shown in ATTACKERS.items():
        with subtests.test(kind):
            with pytest.raises(HungUp):
                await Person(MALLORY, shown(realm)).ask(url)
            assert not realm.tap.heard
            assert realm.unmoved
    assert (await mallory.ask(url)).status == 0
    assert realm.tap.heard == [f"request of {MALLORY}"]
    assert len(realm.builder.built) == 1


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
async def test_old_tls_is_not_spoken(realm: Realm, version: ssl.TLSVersion) -> None:
    mallory = realm.person("mallory")
    context = mallory.card.context(maximum_version=version, minimum_version=version)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    if version == ssl.TLSVersion.TLSv1_2:  # others' programs may have nothing newer
        wire = await Wire.to(realm.manager.addresses[0], context)
        assert wire.tls
        assert wire.tls.version() == "TLSv1.2"
        wire.close()
    else:
        with pytest.raises(HungUp):
            await Wire.to(realm.manager.addresses[0], context)


async def test_who_does_not_choose_http2_is_not_heard(realm: Realm) -> None:
    context = realm.person("mallory").card.context()
    context.set_alpn_protocols(["http/1.1"])
    url = realm.manager.addresses[0]
    with pytest.raises(HungUp):
        await first_heard(await Wire.to(url, context))
    assert not realm.tap.heard


async def test_our_programs_tell_nothing_to_who_cannot_prove_itself(
    realm: Realm, mallory: Person, subtests: pytest.Subtests
) -> None:
    """A server's certificate is judged as strictly: no token leaves before that."""
    befriend(realm)
    source = realm.source("spiffe://test/alice")
    source.update(source.svid, realm.programs[0].identity.bundles)
    for kind, shown in ATTACKERS.items():
        with subtests.test(kind):
            async with trap(realm.folder, shown(realm)) as (url, overheard):
                with pytest.raises(NsmError):
                    await dialled(source, url)
                assert await overheard == b""
    async with trap(realm.folder, mallory.card) as (url, overheard):
        assert await dialled(source, url) == MALLORY
        assert (await overheard).startswith(b"PRI * HTTP/2.0")


async def dialled(source: Source, url: str) -> str:
    """Who is there, as one of our programs sees it."""
    pool = Pool(source, source)
    try:
        return (await pool.dial(url, 5)).peer.id
    finally:
        await pool.close()


@asynccontextmanager
async def trap(folder: Path, shown: Card) -> AsyncIterator[tuple[str, Awaitable[bytes]]]:
    """A server that shows this card, and the first that it is told."""
    path = folder / "trap.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        listening.setblocking(False)
        wires: list[Wire] = []
        hearing = asyncio.create_task(first_words(listening, shown, wires))
        try:
            yield f"unix://{path}", hearing
        finally:
            hearing.cancel()
            path.unlink()
            for wire in wires:
                wire.close()


async def first_words(listening: socket.socket, shown: Card, wires: list[Wire]) -> bytes:
    sock, _ = await asyncio.get_running_loop().sock_accept(listening)
    wires.append(wire := Wire(sock, shown.context(server=True)))
    try:
        await wire.shake()
        await wire.send(b"\0\0\0\4\0\0\0\0\0")  # SETTINGS: a client waits for them
        return await wire.receive()
    except HungUp:
        wire.close()
        return b""


async def first_heard(wire: Wire) -> bytes:
    """The first thing a client is told."""
    try:
        return await wire.receive()
    finally:
        wire.close()
