"""LimitCallers."""

import pytest

from nsm.elements.policy.limit_callers import LimitCallers
from nsm.errors import Denied
from nsm.sdk import Call, Connection, Peer, Request
from nsm.sdk.testing import Recorder

LIMIT = LimitCallers(lambda id: id == "spiffe://hello/forwarder", "NSM_FORWARDER_IDS")


@pytest.mark.parametrize("call", [Call(), Call(peer=Peer("spiffe://hello/forwarder"))])
async def test_the_hop_before_ours_and_we_ourselves_may_ask(call: Call) -> None:
    onward = Recorder()
    await LIMIT.request(call, Request(Connection(id="c")), onward)
    assert onward.verbs == ["request c"]


async def test_whoever_comes_past_it_is_refused_but_may_leave() -> None:
    onward, call = Recorder(), Call(peer=Peer("spiffe://hello/web"))
    with pytest.raises(Denied, match="spiffe://hello/web") as refused:
        await LIMIT.request(call, Request(Connection(id="c")), onward)
    assert "NSM_FORWARDER_IDS" in refused.value.fix
    await LIMIT.close(call, Connection(id="c"), onward)
    assert onward.verbs == ["close c"]
