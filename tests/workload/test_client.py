"""Identities taken: over a real socket, from an authority of ours."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from nsm.errors import Invalid, Unauthenticated
from nsm.identity.authority import Authority
from nsm.identity.certificates import Ca
from nsm.identity.spiffe import SpiffeId
from nsm.identity.svid import Svid
from nsm.sdk import Clock, Tasks
from nsm.wire import encode
from nsm.wire.methods import FETCH_X509_SVID
from nsm.wire.workload import X509Svid, X509SvidResponse
from nsm.workload.client import follow

WEB, DB = "spiffe://test/ns/x/web", "spiffe://test/ns/x/db"


@pytest.fixture
async def tasks():
    tasks = Tasks()
    yield tasks
    await tasks.stop()


async def changed(source, epoch: int) -> None:
    async with asyncio.timeout(10):
        await source.changes.past(epoch)


async def test_a_program_becomes_who_it_is(agent, tasks) -> None:
    source = await follow(agent.url, tasks)
    assert source.id == WEB
    assert source.bundles == agent.authority.bundles
    assert source.issue(None).expires.time <= Clock().now() + 600


async def test_rotation_reaches_a_running_program(agent, tasks) -> None:
    source = await follow(agent.url, tasks)
    epoch = source.epoch
    agent.authority.rotate()
    await changed(source, epoch)
    assert source.bundles == agent.authority.bundles


async def test_an_identity_is_kept_while_the_agent_is_gone_and_renewed_when_it_returns(
    agent, tasks
) -> None:
    source = await follow(agent.url, tasks)
    epoch, before = source.epoch, source.svid
    await agent.stop()
    assert source.svid is before
    await agent.start()
    await changed(source, epoch)
    assert source.id == WEB


async def test_a_program_waits_for_the_socket_and_for_its_entry(agent, tasks, ear) -> None:
    await agent.stop()
    agent.write()
    waiting = asyncio.ensure_future(follow(agent.url, tasks))
    await ear.hears("cannot be reached")
    await agent.start()
    await ear.hears("no entry there yet")
    agent.write(agent.me(DB))
    assert (await waiting).id == DB


async def test_whoever_waits_in_vain_is_told_where_and_what_to_do(agent, tasks) -> None:
    agent.write()
    with pytest.raises(Unauthenticated, match="no identity issued") as refused:
        await follow(agent.url, tasks, patience=0.2)
    assert agent.url in refused.value.cause
    assert "SPIFFE_ENDPOINT_SOCKET" in refused.value.fix
    assert len(tasks) == 0


async def test_a_url_that_leads_nowhere_is_refused_at_once(tasks) -> None:
    with pytest.raises(Invalid, match="no place to call"):
        await follow("https://example.org", tasks)


class Says:
    """An API that answers what it is told."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.more = asyncio.Event()
        self.methods = {FETCH_X509_SVID.path: self.fetch}

    async def fetch(self, call, request):
        for at, answer in enumerate(self.answers):
            if at:
                await self.more.wait()
            yield answer
        await asyncio.Event().wait()


def said(svid: Svid, authority: Authority) -> bytes:
    bundle = authority.roots[0].der
    sent = X509Svid(str(svid.id), b"".join(svid.chain), svid.key_der(), bundle)
    return encode(X509SvidResponse(svids=(sent,)))


async def test_an_svid_that_cannot_sign_our_tokens_stops_the_program_at_once(agent, tasks) -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    sent = X509Svid(WEB, p384(agent.authority.roots[0], key), b"key", b"")
    await agent.stop()
    await agent.start(Says(encode(X509SvidResponse(svids=(sent,)))).methods)
    with pytest.raises(Invalid, match="EC P-256"):
        await follow(agent.url, tasks)


async def test_a_bad_update_changes_nothing_and_says_so(agent, tasks, ear) -> None:
    svid = agent.authority.issue(SpiffeId.parse(WEB))
    says = Says(said(svid, agent.authority), b"\xff garbage")
    await agent.stop()
    await agent.start(says.methods)
    source = await follow(agent.url, tasks)
    says.more.set()
    await ear.hears(agent.url)
    assert source.svid.chain == svid.chain


async def test_of_several_identities_the_first_counts(agent, tasks) -> None:
    agent.write(agent.me(DB), agent.me(WEB))
    assert (await follow(agent.url, tasks)).id == DB


def p384(ca: Ca, key: ec.EllipticCurvePrivateKey) -> bytes:
    """A leaf whose key cannot sign ES256."""
    now = datetime.now(UTC)
    name = x509.UniformResourceIdentifier(WEB)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(ca.certificate.subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(minutes=1))
        .add_extension(x509.SubjectAlternativeName([name]), critical=True)
        .sign(ca.key, hashes.SHA256())
        .public_bytes(serialization.Encoding.DER)
    )
