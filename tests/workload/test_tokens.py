"""JWT-SVIDs given and judged, over a real socket."""

import os
from contextlib import aclosing
from dataclasses import replace

import pytest

from nsm.errors import Denied, Invalid
from nsm.rpc.plain import plain_stream, plain_unary
from nsm.wire import decode, encode, methods
from nsm.wire.workload import (
    JwtBundlesResponse,
    JwtSvid,
    JwtSvidRequest,
    ValidateJwtSvidRequest,
    ValidateJwtSvidResponse,
)
from nsm.workload import HEADER

WEB, DB = "spiffe://test/ns/x/web", "spiffe://test/ns/x/db"
ASKING = [(HEADER, "true")]
UNARY = (methods.FETCH_JWT_SVID, methods.VALIDATE_JWT_SVID)


async def ask(agent, method, request, metadata=ASKING):
    data = await plain_unary(agent.url, method.path, encode(request), metadata, 5)
    return decode(method.answer, data)


async def tokens(agent, *audience: str, id: str = "") -> tuple[JwtSvid, ...]:
    return (await ask(agent, methods.FETCH_JWT_SVID, JwtSvidRequest(audience, id))).svids


async def judged(agent, token: str, audience: str = "db") -> ValidateJwtSvidResponse:
    asked = ValidateJwtSvidRequest(audience, token)
    return await ask(agent, methods.VALIDATE_JWT_SVID, asked)


async def test_a_caller_gets_a_token_that_is_good_for_each_audience_and_no_other(agent) -> None:
    (sent,) = await tokens(agent, "db", "cache")
    for audience in ("db", "cache"):
        verdict = await judged(agent, sent.svid, audience)
        assert verdict.spiffe_id == sent.spiffe_id == WEB
        assert verdict.claims["sub"] == WEB
    with pytest.raises(Invalid, match="is not for"):
        await judged(agent, sent.svid, "web")


async def test_of_several_identities_one_can_be_chosen_but_no_one_elses(agent) -> None:
    agent.write(agent.me(WEB), agent.me(DB, ", hint: more"))
    assert [(each.spiffe_id, each.hint) for each in await tokens(agent, "x")] == [
        (WEB, ""),
        (DB, "more"),
    ]
    assert [each.spiffe_id for each in await tokens(agent, "x", id=DB)] == [DB]
    with pytest.raises(Denied, match="the caller is not"):
        await tokens(agent, "x", id="spiffe://test/root")


@pytest.mark.parametrize("audience", [(), ("",)])
async def test_a_token_for_nobody_is_refused(agent, audience) -> None:
    with pytest.raises(Invalid, match="audience must be specified"):
        await tokens(agent, *audience)


async def test_a_forged_token_is_refused_and_nothing_of_it_repeated(agent) -> None:
    (sent,) = await tokens(agent, "db")
    forged = sent.svid[:-4] + "AAAA"
    with pytest.raises(Invalid, match="not signed") as refused:
        await judged(agent, forged)
    assert forged not in str(refused.value)


async def test_keys_are_sent_by_the_id_of_their_domain_and_again_when_new(agent) -> None:
    (sent,) = await tokens(agent, "db")
    path = methods.FETCH_JWT_BUNDLES.path
    async with aclosing(plain_stream(agent.url, path, b"", ASKING, 5)) as answers:
        counts = []
        for _ in range(2):
            sets = decode(JwtBundlesResponse, await anext(answers)).bundles
            assert set(sets) == {"spiffe://test"}
            counts.append(sets["spiffe://test"].count(b'"kid"'))
            agent.authority.rotate()
    assert counts == [1, 2]
    assert (await judged(agent, sent.svid)).spiffe_id == WEB


@pytest.mark.parametrize("method", [*UNARY, methods.FETCH_JWT_BUNDLES])
async def test_whoever_has_no_entry_or_sends_no_header_gets_nothing(agent, method) -> None:
    with pytest.raises(Invalid, match="security header"):
        await plain_unary(agent.url, method.path, b"", [], 5)
    agent.write(f"id: '{WEB}', uid: {os.getuid() + 1}")
    with pytest.raises(Denied, match="no identity issued"):
        await plain_unary(agent.url, method.path, b"", ASKING, 5)


def test_a_token_is_in_no_text_about_the_message_that_carries_it() -> None:
    for said in (JwtSvid(WEB, "secret"), ValidateJwtSvidRequest("db", "secret")):
        assert "secret" not in repr(replace(said))
