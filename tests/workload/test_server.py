"""The Workload API served: over a real socket, to ourselves."""

import asyncio
import hashlib
import os
import sys
from contextlib import aclosing
from pathlib import Path

import pytest

from nsm.errors import Denied, Invalid, Unimplemented
from nsm.identity.authority import Authority
from nsm.identity.bundle import Bundles
from nsm.identity.entries import Entry
from nsm.identity.spiffe import SpiffeId
from nsm.identity.svid import Svid
from nsm.rpc.plain import PlainCall, plain_stream, plain_unary
from nsm.sdk.clock import LoopClock
from nsm.wire import decode, methods
from nsm.wire.workload import X509BundlesResponse, X509SvidResponse
from nsm.workload import HEADER
from nsm.workload.server import WorkloadApi

FETCH_SVIDS = methods.FETCH_X509_SVID.path
FETCH_BUNDLES = methods.FETCH_X509_BUNDLES.path
WEB, DB = "spiffe://test/ns/x/web", "spiffe://test/ns/x/db"
ASKING = [(HEADER, "true")]


def fetch(agent):
    return aclosing(plain_stream(agent.url, FETCH_SVIDS, b"", ASKING, 5))


async def svids(answers) -> X509SvidResponse:
    async with asyncio.timeout(10):
        return decode(X509SvidResponse, await anext(answers))


async def test_a_caller_gets_its_identity_and_whom_to_believe(agent) -> None:
    async with fetch(agent) as answers:
        (sent,) = (await svids(answers)).svids
    svid = Svid.parse(sent.x509_svid, sent.x509_svid_key, id=WEB)
    assert Bundles.parse(svid.id, sent.bundle, {}) == agent.authority.bundles


async def test_several_entries_are_several_identities_the_most_specific_first(agent) -> None:
    agent.write(agent.me(WEB), agent.me(DB, f", gid: {os.getgid()}, hint: more"))
    async with fetch(agent) as answers:
        first, second = (await svids(answers)).svids
    assert (first.spiffe_id, first.hint, second.spiffe_id) == (DB, "more", WEB)


async def test_whoever_has_no_entry_gets_nothing_and_is_told(agent) -> None:
    agent.write(f"id: '{WEB}', uid: {os.getuid() + 1}")
    for method in (FETCH_SVIDS, FETCH_BUNDLES):
        with pytest.raises(Denied, match="no identity issued") as refused:
            await plain_unary(agent.url, method, b"", ASKING, 5)
        assert "add an entry" in refused.value.fix


@pytest.mark.parametrize(
    "metadata", [[], [(HEADER, "false")], [(HEADER, "true"), (HEADER, "true")]]
)
@pytest.mark.parametrize("method", [FETCH_SVIDS, FETCH_BUNDLES])
async def test_a_call_without_the_security_header_is_refused(agent, metadata, method) -> None:
    with pytest.raises(Invalid, match="security header"):
        await plain_unary(agent.url, method, b"", metadata, 5)


async def test_an_entry_that_comes_while_nobody_looks_is_found_by_the_next_caller(agent) -> None:
    agent.write()
    with pytest.raises(Denied):
        await plain_unary(agent.url, FETCH_SVIDS, b"", ASKING, 5)
    agent.write(agent.me())
    assert await plain_unary(agent.url, FETCH_SVIDS, b"", ASKING, 5)


async def test_a_new_entry_is_pushed_and_a_lost_one_ends_the_stream(agent) -> None:
    async with fetch(agent) as answers:
        await svids(answers)
        agent.write(agent.me(WEB), agent.me(DB))
        await agent.roster.refresh()
        assert len((await svids(answers)).svids) == 2
        agent.write()
        await agent.roster.refresh()
        with pytest.raises(Denied):
            await svids(answers)


async def test_someone_elses_entry_is_no_news(agent) -> None:
    async with fetch(agent) as answers:
        await svids(answers)
        agent.write(agent.me(), f"id: '{DB}', uid: {os.getuid() + 1}")
        await agent.roster.refresh()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await anext(answers)


async def test_a_new_root_is_pushed(agent) -> None:
    async with fetch(agent) as answers:
        await svids(answers)
        agent.authority.rotate()
        (sent,) = (await svids(answers)).svids
        assert sent.bundle == b"".join(root.der for root in agent.authority.roots)


async def test_bundles_are_sent_by_the_id_of_their_domain_and_again_when_new(agent) -> None:
    async with aclosing(plain_stream(agent.url, FETCH_BUNDLES, b"", ASKING, 5)) as answers:
        for _ in range(2):
            sent = decode(X509BundlesResponse, await anext(answers))
            roots = b"".join(root.der for root in agent.authority.roots)
            assert dict(sent.bundles) == {"spiffe://test": roots}
            agent.authority.rotate()


async def test_what_is_not_offered_is_unimplemented(agent) -> None:
    with pytest.raises(Unimplemented):
        await plain_unary(agent.url, "/SpiffeWorkloadAPI/FetchWITSVID", b"", ASKING, 5)


@pytest.mark.looptime
async def test_an_identity_is_renewed_at_about_half_its_life(tmp_path) -> None:
    clock = LoopClock()
    authority = Authority("test", clock)

    class Everyone:
        entries = (Entry(SpiffeId.parse(WEB)),)

        async def refresh(self) -> None: ...

        def must_hash(self, _):
            return False

        def matching(self, _):
            return self.entries

    api = WorkloadApi(authority, Everyone(), clock, chance=lambda: 0.5)
    call = PlainCall(0, 0, 0, {HEADER: ["true"]})
    async with aclosing(api.certificates.fetch_svids(call, b"")) as answers:
        serials = set()
        for turn in range(5):
            answer = decode(X509SvidResponse, await anext(answers))
            serials.add(answer.svids[0].x509_svid)
            assert clock.ticks() == pytest.approx(turn * 1800, abs=1)
    assert len(serials) == 5


async def test_a_caller_is_known_by_what_its_executable_holds(agent) -> None:
    held = hashlib.sha256(Path(sys.executable).read_bytes()).hexdigest()
    agent.write(agent.me(DB))
    async with fetch(agent) as answers:
        assert [each.spiffe_id for each in (await svids(answers)).svids] == [DB]
        agent.write(agent.me(DB), agent.me(WEB, f", sha256: '{held}'"))
        await agent.roster.refresh()
        assert [each.spiffe_id for each in (await svids(answers)).svids] == [WEB, DB]
        agent.write(agent.me(DB), agent.me(WEB, f", sha256: '{'0' * 64}'"))
        await agent.roster.refresh()
        assert [each.spiffe_id for each in (await svids(answers)).svids] == [DB]


async def test_of_two_identities_with_one_hint_only_the_first_is_given(agent) -> None:
    other = "spiffe://test/other"
    hinted = [agent.me(id, ", hint: same") for id in (WEB, DB)]
    agent.write(*hinted, agent.me(other))
    async with fetch(agent) as answers:
        assert [each.spiffe_id for each in (await svids(answers)).svids] == [WEB, other]
