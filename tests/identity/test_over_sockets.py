"""Identity, transport and policies together: two programs, real sockets, new certificates."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from nsm.api.connection import Connection, Request
from nsm.elements.path import UpdatePath, UpdateToken
from nsm.elements.policy import Authorize, AuthorizeClient
from nsm.elements.reach import AskChannel
from nsm.errors import Denied, NsmError
from nsm.identity import jwt
from nsm.identity.authority import Authority
from nsm.identity.bundle import Bundles
from nsm.identity.certificates import make_svid
from nsm.identity.fake import FakeSource
from nsm.identity.policies import CLIENT, SERVER, Policies
from nsm.identity.source import Source
from nsm.identity.spiffe import SpiffeId
from nsm.rpc import Pool, serve
from nsm.sdk import END, Call, Clock, Life, Offer, Token, chain
from nsm.sdk.testing import Recorder

WEB, MANAGER = "spiffe://test/ns/x/web", "spiffe://test/ns/x/manager"


@dataclass
class Pair:
    """A manager that serves, and a web that asks it."""

    web: FakeSource
    manager: FakeSource
    heard: Recorder
    pool: Pool
    url: str

    async def ask(self, id: str, life: Life | None = None) -> Connection:
        channel = await self.pool.dial(self.url, 5)
        return await self.ask_over(channel, id, life)

    async def ask_over(self, channel, id: str, life: Life | None = None) -> Connection:
        asking = chain(
            UpdatePath("web"),
            AuthorizeClient(Policies.select(CLIENT), Clock()),
            AskChannel(),
        ).bind(END)
        life = life or Life(lambda: None, lambda: None, lambda _: None)
        return await asking.request(Call(channel=channel).within(life), Request(Connection(id=id)))


@asynccontextmanager
async def pair(folder: Path, web: Source, manager: Source, tokens=None) -> AsyncIterator[Pair]:
    heard = Recorder()
    answering = chain(
        UpdatePath("manager"),
        UpdateToken(manager),
        Authorize(Policies.select(SERVER), Clock()),
    ).bind(heard)
    url = f"unix://{folder}/manager.sock"
    server = await serve(Offer(connections=answering), [url], manager, manager)
    pool = Pool(web, tokens or web)
    try:
        yield Pair(web, manager, heard, pool, url)
    finally:
        await pool.close()
        await server.close()


@pytest.fixture
async def both(tmp_path: Path, authority: Authority) -> AsyncIterator[Pair]:
    web, manager = FakeSource.of(WEB, authority), FakeSource.of(MANAGER, authority)
    async with pair(tmp_path, web, manager) as both:
        yield both


async def test_honest_programs_pass_each_others_policies(both: Pair) -> None:
    conn = await both.ask("c1")
    assert [jwt.read(segment.token).sub for segment in conn.hops.segments] == [WEB, MANAGER]
    assert both.heard.calls[0].peer.id == WEB


async def test_a_channel_made_before_a_rotation_of_either_side_still_passes(both: Pair) -> None:
    channel = await both.pool.dial(both.url, 5)
    for rotate in (both.web.rotate, both.manager.rotate):
        rotate()
        assert (await both.ask_over(channel, "c1")).id == "c1"


async def test_connections_outlive_rotations_of_leaves_and_roots(both: Pair) -> None:
    lives = {f"c{n}": Life(lambda: None, lambda: None, lambda _: None) for n in range(20)}
    for turn in range(6):
        await asyncio.gather(*(both.ask(id, life) for id, life in lives.items()))
        if turn % 2:
            both.web.authority.rotate()
        both.web.rotate()
        both.manager.rotate()
    assert not any(verb == "close" for verb, _ in both.heard.heard)


class Liar:
    """Signs what it likes with the key it has."""

    def __init__(self, source: FakeSource, sub: str, aud: str) -> None:
        self.source = source
        self.claims = (sub, (aud,))
        self.id = source.id

    def issue(self, audience) -> Token:
        honest = self.source.issue(audience)
        claims = jwt.Claims(*self.claims, honest.expires.time)
        return Token(jwt.sign(claims, self.source.svid.key), honest.expires)


@pytest.mark.parametrize(
    ("sub", "aud", "policy"),
    [
        (WEB, MANAGER, None),
        ("spiffe://test/ns/x/db", MANAGER, "prev_token_signed"),
        (WEB, "spiffe://test/ns/x/db", "tokens_chained"),
    ],
)
async def test_whoever_lies_in_a_token_reaches_no_handler(
    tmp_path, authority, sub, aud, policy
) -> None:
    web, manager = FakeSource.of(WEB, authority), FakeSource.of(MANAGER, authority)
    async with pair(tmp_path, web, manager, Liar(web, sub, aud)) as both:
        if policy is None:
            await both.ask("c1")
            assert both.heard.heard
        else:
            with pytest.raises(Denied, match=policy):
                await both.ask("c1")
            assert not both.heard.heard


async def test_a_token_of_another_key_reaches_no_handler(tmp_path, authority) -> None:
    web, manager = FakeSource.of(WEB, authority), FakeSource.of(MANAGER, authority)
    thief = FakeSource.of(WEB, authority)
    async with pair(tmp_path, web, manager, thief) as both:
        with pytest.raises(Denied, match="prev_token_signed"):
            await both.ask("c1")
        assert not both.heard.heard


@pytest.mark.parametrize("foreign", [True, False])
async def test_a_foreign_authority_that_names_our_members_reaches_no_handler(
    tmp_path, authority, foreign: bool
) -> None:
    """Also when it is one we federate with, which TLS alone would let in."""
    other = Authority("other", Clock())
    manager = FakeSource.of(MANAGER, authority)
    manager.update(manager.svid, Bundles({**authority.bundles.anchors, **other.bundles.anchors}))
    web = FakeSource.of(WEB, authority)
    if foreign:
        forged = make_svid(other.roots[0], SpiffeId.parse(WEB), Clock().now(), 600)
        web.update(forged, authority.bundles)
    async with pair(tmp_path, web, manager) as both:
        if foreign:
            with pytest.raises(NsmError):
                await both.ask("c1")
            assert not both.heard.heard
        else:
            assert await both.ask("c1")
