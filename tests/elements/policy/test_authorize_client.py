"""AuthorizeClient."""

import pytest

from nsm.elements.policy.authorize_client import AuthorizeClient
from nsm.errors import Denied
from nsm.identity import policies
from nsm.identity.policies import Policies
from nsm.sdk import Call, Clock, Request
from nsm.sdk.testing import Recorder


@pytest.fixture
def onward() -> Recorder:
    return Recorder()


@pytest.fixture
def authorize() -> AuthorizeClient:
    return AuthorizeClient(Policies.select(policies.CLIENT), Clock())


async def test_an_answer_from_whom_we_asked_is_taken(mesh, authorize, onward: Recorder) -> None:
    call = Call(channel=mesh.channel(mesh.manager)).within(mesh.life())
    conn = mesh.answered()
    assert await authorize.request(call, Request(conn), onward) == conn
    assert onward.verbs == ["request id-web"]


async def test_a_first_answer_of_someone_else_is_refused_and_undone(mesh, authorize, onward):
    call = Call(channel=mesh.channel(mesh.other)).within(mesh.life())
    with pytest.raises(Denied, match="next_token_signed") as refused:
        await authorize.request(call, Request(mesh.answered()), onward)
    assert refused.value.hop == "manager"
    assert onward.verbs == ["request id-web", "close id-web"]


async def test_a_refused_refresh_keeps_what_stands(mesh, authorize, onward: Recorder) -> None:
    life = mesh.life()
    good = Call(channel=mesh.channel(mesh.manager)).within(life)
    await authorize.request(good, Request(mesh.answered()), onward)
    bad = Call(channel=mesh.channel(mesh.other)).within(life)
    with pytest.raises(Denied):
        await authorize.request(bad, Request(mesh.answered()), onward)
    assert onward.verbs == ["request id-web", "request id-web"]


async def test_after_a_close_the_next_answer_is_a_first_one(mesh, authorize, onward) -> None:
    life = mesh.life()
    good = Call(channel=mesh.channel(mesh.manager)).within(life)
    await authorize.request(good, Request(mesh.answered()), onward)
    await authorize.close(good, mesh.answered(), onward)
    bad = Call(channel=mesh.channel(mesh.other)).within(life)
    with pytest.raises(Denied):
        await authorize.request(bad, Request(mesh.answered()), onward)
    assert onward.verbs[-2:] == ["request id-web", "close id-web"]


async def test_an_answer_without_the_answerers_token_is_refused(mesh, authorize, onward) -> None:
    call = Call(channel=mesh.channel(mesh.manager)).within(mesh.life())
    alone = mesh.conn(0, mesh.token(mesh.web, mesh.manager))
    with pytest.raises(Denied, match="no token of hop 1") as refused:
        await authorize.request(call, Request(alone), onward)
    assert refused.value.hop == mesh.manager.id


async def test_where_nobody_beyond_this_process_answered_nothing_is_judged(
    mesh, authorize, onward
) -> None:
    conn = mesh.conn(0, "nothing")
    assert await authorize.request(Call().within(mesh.life()), Request(conn), onward) == conn
