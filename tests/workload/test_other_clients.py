"""Somebody else's client of the Workload API (`spiffe` of PyPI), at our authority."""

import asyncio
import os
from collections.abc import Callable
from typing import TypeVar

import pytest
import spiffe
from cryptography.hazmat.primitives import serialization
from spiffe.workloadapi.errors import FetchX509SvidError

WEB, DB = "spiffe://test/ns/x/web", "spiffe://test/ns/x/db"
T = TypeVar("T")


async def elsewhere(work: Callable[[], T]) -> T:
    """What `work` comes to in a thread of its own: their calls block."""
    async with asyncio.timeout(30):
        return await asyncio.to_thread(work)


@pytest.fixture
async def client(agent):
    client = spiffe.WorkloadApiClient(agent.url)
    yield client
    await elsewhere(client.close)


async def test_it_takes_identities_and_whom_to_believe(agent, client) -> None:
    agent.write(agent.me(WEB), agent.me(DB))
    svids = await elsewhere(client.fetch_x509_svids)
    assert [str(svid.spiffe_id) for svid in svids] == [WEB, DB]
    bundles = await elsewhere(client.fetch_x509_bundles)
    (anchor,) = bundles.get_bundle_for_trust_domain(spiffe.TrustDomain("test")).x509_authorities
    assert anchor.public_bytes(serialization.Encoding.DER) == agent.authority.roots[0].der


async def test_it_takes_tokens_and_believes_them_by_our_keys_and_by_our_word(client) -> None:
    token = (await elsewhere(lambda: client.fetch_jwt_svid({"db", "cache"}))).token
    bundles = await elsewhere(client.fetch_jwt_bundles)
    bundle = bundles.get_bundle_for_trust_domain(spiffe.TrustDomain("test"))
    read = spiffe.JwtSvid.parse_and_validate(token, bundle, {"db"})
    judged = await elsewhere(lambda: client.validate_jwt_svid(token, "cache"))
    assert str(read.spiffe_id) == str(judged.spiffe_id) == WEB


async def test_it_can_choose_one_of_its_identities(agent, client) -> None:
    agent.write(agent.me(WEB), agent.me(DB))
    chosen = spiffe.SpiffeId(DB)
    svid = await elsewhere(lambda: client.fetch_jwt_svid({"x"}, subject=chosen))
    assert svid.spiffe_id == chosen


async def test_its_source_follows_rotations(agent) -> None:
    source = await elsewhere(lambda: spiffe.X509Source(socket_path=agent.url))
    loop, news = asyncio.get_running_loop(), asyncio.Event()
    source.subscribe_for_updates(lambda: loop.call_soon_threadsafe(news.set))
    before = source.get_x509_context().default_svid.leaf.serial_number
    agent.authority.rotate()
    async with asyncio.timeout(20):
        await news.wait()
    context, domain = source.get_x509_context(), spiffe.TrustDomain("test")
    bundle = context.x509_bundle_set.get_bundle_for_trust_domain(domain)
    assert context.default_svid.leaf.serial_number != before
    assert len(bundle.x509_authorities) == 2
    await elsewhere(source.close)


async def test_whoever_has_no_entry_is_told_so(agent, client) -> None:
    agent.write(f"id: '{WEB}', uid: {os.getuid() + 1}")
    with pytest.raises(FetchX509SvidError, match="no identity issued"):
        await elsewhere(client.fetch_x509_svid)
