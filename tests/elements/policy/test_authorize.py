"""Authorize."""

import asyncio
from dataclasses import replace

import pytest

from nsm.elements.policy.authorize import Authorize
from nsm.errors import Denied
from nsm.identity import policies
from nsm.identity.policies import Policies
from nsm.sdk import Call, Clock, Request, Token
from nsm.sdk.clock import LoopClock
from nsm.sdk.testing import Recorder


@pytest.fixture
def onward() -> Recorder:
    return Recorder()


@pytest.fixture
def authorize() -> Authorize:
    return Authorize(Policies.select(policies.SERVER), Clock())


async def test_whoever_proves_its_path_passes(mesh, authorize, onward: Recorder) -> None:
    call, conn = Call(peer=mesh.web.peer()), mesh.asked()
    assert await authorize.request(call, Request(conn), onward) == conn
    await authorize.close(call, conn, onward)
    assert onward.verbs == ["request id-manager", "close id-manager"]


async def test_whoever_does_not_reaches_nothing_and_is_told_why(mesh, authorize, onward) -> None:
    call, conn = Call(peer=mesh.other.peer()), mesh.asked()
    with pytest.raises(Denied, match="prev_token_signed") as refused:
        await authorize.request(call, Request(conn), onward)
    assert refused.value.hop == "manager"
    with pytest.raises(Denied):
        await authorize.close(call, conn, onward)
    assert onward.heard == []


async def test_hops_after_ours_are_not_ours_to_judge(mesh, authorize, onward: Recorder) -> None:
    tokens = [segment.token for segment in mesh.asked().hops.segments]
    conn = mesh.conn(1, *tokens, "left over from the last answer")
    assert await authorize.request(Call(peer=mesh.web.peer()), Request(conn), onward) == conn


async def test_whoever_asks_from_within_is_not_judged(mesh, authorize, onward: Recorder) -> None:
    conn = mesh.conn(0, "nothing")
    assert await authorize.request(Call(), Request(conn), onward) == conn
    await authorize.close(Call(), conn, onward)
    assert len(onward.heard) == 2


async def test_a_path_that_ends_before_us_is_refused(mesh, authorize, onward: Recorder) -> None:
    conn = mesh.asked()
    for index in (2, 7, 1 << 31):
        astray = mesh.conn(0, *(s.token for s in conn.hops.segments))
        astray = replace(astray, path=replace(astray.hops, index=index))
        with pytest.raises(Denied):
            await authorize.request(Call(peer=mesh.web.peer()), Request(astray), onward)


@pytest.mark.looptime
async def test_a_close_fired_here_passes_though_the_path_has_expired(mesh, onward) -> None:
    clock = LoopClock(start=Clock().now())
    authorize = Authorize(Policies.select(policies.SERVER), clock)
    token = mesh.web.issue(mesh.manager.peer())
    conn = mesh.conn(1, token.text, mesh.token(mesh.manager, mesh.web))
    fired = Call(peer=mesh.web.peer(), token=token).within(mesh.life())
    await authorize.request(fired, Request(conn), onward)
    await asyncio.sleep(3600)
    from_outside = replace(fired, token=Token(token.text, token.expires))
    with pytest.raises(Denied, match="tokens_expired"):
        await authorize.close(from_outside, conn, onward)
    await authorize.close(fired, conn, onward)
    assert onward.verbs == ["request id-manager", "close id-manager"]


async def test_a_close_of_what_was_never_let_in_is_judged(mesh, authorize, onward) -> None:
    token = mesh.web.issue(mesh.manager.peer())
    call = Call(peer=mesh.other.peer(), token=token).within(mesh.life())
    with pytest.raises(Denied):
        await authorize.close(call, mesh.asked(), onward)
