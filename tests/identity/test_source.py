"""Our identity as it is now."""

import pytest

from nsm.api.timestamp import Timestamp
from nsm.errors import Unauthenticated, Unreachable
from nsm.identity import jwt
from nsm.identity.authority import Authority
from nsm.identity.fake import FakeSource, PlainTokens
from nsm.identity.source import EPOCHS_KEPT, Source
from nsm.sdk import Peer
from nsm.sdk.clock import LoopClock

WEB, MANAGER = "spiffe://test/ns/x/web", "spiffe://test/ns/x/manager"
pytestmark = pytest.mark.looptime


@pytest.fixture
async def clock() -> LoopClock:
    return LoopClock(start=1_800_000_000.75)


@pytest.fixture
async def source(clock: LoopClock) -> FakeSource:
    return FakeSource.of(WEB, Authority("test", clock), clock)


async def test_a_token_is_for_one_peer_and_for_so_long(source: FakeSource) -> None:
    token = source.issue(Peer(MANAGER))
    assert jwt.read(token.text) == jwt.Claims(WEB, (MANAGER,), 1_800_000_600)
    assert jwt.signed_by(token.text, source.svid.leaf)
    assert token.expires == Timestamp(1_800_000_600)


async def test_without_a_peer_a_token_is_for_nobody_in_particular(source: FakeSource) -> None:
    assert jwt.read(source.issue(None).text).aud == ()


async def test_a_token_ends_no_later_than_our_leaf(source: FakeSource) -> None:
    token = source.lasting(24 * 3600).issue(Peer(MANAGER))
    assert jwt.read(token.text).exp == source.svid.not_after == token.expires.time


async def test_the_reported_expiry_heeds_the_peers_leaf_and_the_token_does_not(source) -> None:
    token = source.issue(Peer(MANAGER, not_after=1_800_000_100))
    assert token.expires.time == 1_800_000_100
    assert jwt.read(token.text).exp == 1_800_000_600


async def test_programs_of_one_process_choose_their_own_lifetimes(source: FakeSource) -> None:
    tokens = source.lasting(60)
    assert tokens.id == WEB
    assert tokens.issue(None).expires.time == 1_800_000_060


async def test_what_is_said_again_in_the_same_second_is_signed_once(source, clock) -> None:
    peer = Peer("spiffe://a/b")
    first = source.issue(peer)
    assert source.issue(peer) == first
    assert source.issue(Peer("spiffe://a/c")) != first
    source.rotate()
    assert source.issue(peer).text != first.text
    await clock.sleep(1)
    assert source.issue(peer).expires > first.expires


async def test_a_rotation_begins_an_epoch_with_contexts_of_its_own(source: FakeSource) -> None:
    server, client, epoch = source.server_context(), source.client_context(), source.epoch
    assert (source.server_context(), source.client_context()) == (server, client)
    source.rotate()
    assert source.epoch > epoch
    assert source.server_context() is not server
    assert source.client_context() is not client


async def test_nothing_new_begins_no_epoch(source: FakeSource) -> None:
    epoch = source.epoch
    source.update(source.svid, source.bundles)
    assert source.epoch == epoch


async def test_a_peer_gets_tokens_it_can_check_with_the_leaf_it_was_shown(source) -> None:
    old, shown = source.svid.leaf, source.epoch
    source.rotate()
    assert jwt.signed_by(source.issue(Peer(MANAGER, shown=shown)).text, old)
    assert jwt.signed_by(source.issue(Peer(MANAGER)).text, source.svid.leaf)
    for _ in range(EPOCHS_KEPT):
        source.rotate()
    assert jwt.signed_by(source.issue(Peer(MANAGER, shown=shown)).text, source.svid.leaf)


async def test_before_the_first_svid_there_is_no_identity(clock: LoopClock) -> None:
    source = Source(clock)
    for ask in (lambda: source.id, source.server_context, lambda: source.issue(None)):
        with pytest.raises(Unreachable, match="no identity yet"):
            ask()


async def test_a_peer_without_a_chain_or_a_name_is_refused(source: FakeSource) -> None:
    root = source.authority.roots[0].der
    for chain in ([], [b"garbage"], [root, root]):
        with pytest.raises(Unauthenticated):
            source.verify(chain)


async def test_a_root_that_is_gone_vouches_for_nobody(source, clock) -> None:
    chain = [source.svid.leaf, source.authority.roots[0].der]
    assert source.verify(chain).id == WEB
    source.update(source.svid, Authority("test", clock).bundles)
    with pytest.raises(Unauthenticated, match="not issued in test"):
        source.verify(chain)


async def test_plain_tokens_say_the_same_without_proof(clock: LoopClock) -> None:
    token = PlainTokens(WEB, clock).issue(Peer(MANAGER, not_after=1_800_000_100))
    assert jwt.read(token.text) == jwt.Claims(WEB, (MANAGER,), 1_800_000_600)
    assert token.expires.time == 1_800_000_100


async def test_no_token_or_key_shows_in_a_text(source: FakeSource) -> None:
    token = source.issue(None)
    assert token.text not in repr(token)
    assert repr(source.svid).count("key") == 0
