"""An MTU that fits every hop."""

import pytest

from nsm.api.context import ConnectionContext, IpContext
from nsm.elements.context.clamp_mtu import ClampMtu
from nsm.sdk import Call, Connection, Request
from nsm.sdk.testing import Recorder


@pytest.mark.parametrize(("asked", "agreed"), [(0, 1450), (9000, 1450), (1450, 1450), (1280, 1280)])
async def test_a_hop_lowers_what_it_cannot_pass(asked: int, agreed: int) -> None:
    end = Recorder()
    conn = Connection("c", context=ConnectionContext(mtu=asked))
    answer = await ClampMtu(1450).bind(end).request(Call(), Request(conn))
    assert end.requests[0].connection.context == ConnectionContext(mtu=agreed)
    assert answer.context == ConnectionContext(mtu=agreed)


async def test_an_answer_larger_than_asked_is_lowered_too() -> None:
    class Larger(Recorder):
        async def request(self, call: Call, request: Request) -> Connection:
            return Connection("c", context=ConnectionContext(IpContext(("10.0.0.1/32",)), mtu=9000))

    answer = await ClampMtu(1450).bind(Larger()).request(Call(), Request(Connection("c")))
    assert answer.context == ConnectionContext(IpContext(("10.0.0.1/32",)), mtu=1450)
