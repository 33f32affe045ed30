"""Handshakes between honest and dishonest peers, in memory."""

import contextlib
import os
import ssl
from operator import attrgetter
from pathlib import Path

import pytest

from nsm.errors import Unauthenticated
from nsm.identity.authority import Authority
from nsm.identity.bundle import Bundles
from nsm.identity.contexts import client_context, server_context
from nsm.identity.fake import FakeSource
from nsm.identity.source import Source
from nsm.identity.spiffe import SpiffeId
from nsm.identity.svid import Svid
from nsm.sdk import Clock

WEB, MANAGER = "spiffe://test/ns/x/web", "spiffe://test/ns/x/manager"


def shake(server: ssl.SSLContext, client: ssl.SSLContext) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """Both ends after the handshake, and after each read what came with it."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (
        server.wrap_bio(there, back, server_side=True),
        client.wrap_bio(back, there, server_hostname=None),
    )
    for _ in range(4):
        for end in ends:
            try:
                end.do_handshake()
                end.read(0)
            except ssl.SSLWantReadError:
                pass
    for end in ends:  # TLS 1.3: the server's refusal reaches the client with its first read
        with contextlib.suppress(ssl.SSLWantReadError):
            end.read(1)
    return ends


def chain(end: ssl.SSLObject) -> list[bytes]:
    found = attrgetter("_sslobj.get_verified_chain")(end)()
    return [ssl.PEM_cert_to_DER_cert(each.public_bytes()) for each in found or ()]


def test_both_ends_learn_who_the_other_is(authority: Authority) -> None:
    web, manager = FakeSource.of(WEB, authority), FakeSource.of(MANAGER, authority)
    at_manager, at_web = shake(manager.server_context(), web.client_context())
    assert manager.verify(chain(at_manager)) == web.peer()
    assert web.verify(chain(at_web)) == manager.peer()
    assert at_web.selected_alpn_protocol() == at_manager.selected_alpn_protocol() == "h2"
    assert at_web.version() == "TLSv1.3"


def test_a_client_with_tls_1_2_is_served_and_one_with_less_is_not(authority: Authority) -> None:
    web, manager = FakeSource.of(WEB, authority), FakeSource.of(MANAGER, authority)
    client = web.client_context()
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    assert shake(manager.server_context(), client)[0].version() == "TLSv1.2"
    assert client.minimum_version == ssl.TLSVersion.TLSv1_2


def test_a_client_without_a_certificate_is_refused(authority: Authority) -> None:
    manager = FakeSource.of(MANAGER, authority)
    nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    nobody.check_hostname = False
    nobody.verify_mode = ssl.CERT_NONE
    with pytest.raises(ssl.SSLError):
        shake(manager.server_context(), nobody)


@pytest.mark.parametrize("asks", [True, False])
def test_a_stranger_is_refused_whether_it_asks_or_answers(authority, asks: bool) -> None:
    ours = FakeSource.of(WEB, authority)
    stranger = FakeSource.of(MANAGER, Authority("test", Clock()))
    server, client = (ours, stranger) if asks else (stranger, ours)
    if asks:  # the stranger believes us; we do not believe it
        stranger.update(stranger.svid, ours.bundles)
    with pytest.raises(ssl.SSLError):
        shake(server.server_context(), client.client_context())


@pytest.mark.parametrize("span", [(-60, -1), (60, 120)])
def test_a_certificate_out_of_its_time_is_refused(authority, forge, span) -> None:
    honest = authority.issue(SpiffeId.parse(WEB))
    late = forge(authority.roots[0], (WEB,), key=honest.key, since=span[0], until=span[1])
    svid = Svid(honest.id, (late,), honest.key, 0)
    manager = FakeSource.of(MANAGER, authority)
    with pytest.raises(ssl.SSLError):
        shake(manager.server_context(), client_context(svid, authority.bundles))


def test_another_domains_authority_cannot_name_our_members(forge) -> None:
    """It passes TLS, where all anchors are in one pool, and is refused after it."""
    test, evil = Authority("test", Clock()), Authority("evil", Clock())
    both = Bundles({**test.bundles.anchors, **evil.bundles.anchors})
    manager = Source(Clock())
    manager.update(test.issue(SpiffeId.parse(MANAGER)), both)
    honest = evil.issue(SpiffeId.parse("spiffe://evil/ns/x/web"))
    assert (
        manager.verify(chain(shake(manager.server_context(), client_context(honest, both))[0])).id
        == "spiffe://evil/ns/x/web"
    )
    forged = Svid(honest.id, (forge(evil.roots[0], key=honest.key),), honest.key, 0)
    end, _ = shake(manager.server_context(), client_context(forged, both))
    with pytest.raises(Unauthenticated, match="not issued in test"):
        manager.verify(chain(end))


def test_a_server_gives_no_ticket_to_resume_with(authority: Authority) -> None:
    web, manager = FakeSource.of(WEB, authority), FakeSource.of(MANAGER, authority)
    _, client = shake(manager.server_context(), web.client_context())
    assert not (client.session and client.session.has_ticket)


def test_the_key_leaves_no_file_behind(authority: Authority, tmp_path: Path) -> None:
    before = os.listdir("/proc/self/fd")
    server_context(authority.issue(SpiffeId.parse(WEB)), authority.bundles)
    assert os.listdir("/proc/self/fd") == before
