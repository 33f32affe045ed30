"""A tunnel that begins here."""

from dataclasses import replace

import pytest

from nsm.api.context import ConnectionContext
from nsm.api.mechanism import KERNEL, LOCAL, REMOTE, VXLAN, Mechanism
from nsm.elements.mechanism.offer_vxlan import OfferVxlan
from nsm.errors import Invalid
from nsm.sdk import Call, Connection, Request
from nsm.sdk.testing import Lifetime, Recorder

OURS = {"src_ip": "10.0.0.1", "src_port": "4789", "MTU": "1450"}


class Accepting(Recorder):
    """The other side, which fills in what it was told to."""

    answer = Mechanism(REMOTE, VXLAN, {**OURS, "dst_ip": "10.0.0.2", "vni": "6"})
    mtu = 0

    async def request(self, call: Call, request: Request) -> Connection:
        await super().request(call, request)
        context = ConnectionContext(mtu=self.mtu)
        return replace(request.connection, mechanism=self.answer, context=context)


@pytest.fixture
def end() -> Accepting:
    return Accepting()


@pytest.fixture
def entry(end):
    return OfferVxlan("10.0.0.1", mtu=1450).bind(end)


async def test_an_offer_says_where_the_tunnel_begins(entry, end) -> None:
    near = Mechanism(LOCAL, KERNEL)
    await entry.request(Lifetime().call, Request(Connection("c"), (near,)))
    assert end.requests[0].preferences == (near, Mechanism(REMOTE, VXLAN, OURS))


async def test_an_offer_that_is_there_is_filled_and_not_doubled(entry, end) -> None:
    offer = Mechanism(REMOTE, VXLAN, {"MTU": "1400", "src_ip": "10.9.9.9"})
    await entry.request(Lifetime().call, Request(Connection("c"), (offer,)))
    assert [o.parameters for o in end.requests[0].preferences] == [{**OURS, "MTU": "1400"}]


@pytest.mark.parametrize(("context", "tunnel", "agreed"), [(0, "", 1450), (9000, "1300", 1300)])
async def test_the_client_hears_what_passes_through_the_tunnel(
    entry, end, context: int, tunnel: str, agreed: int
) -> None:
    end.mtu, end.answer = context, end.answer.having(MTU=tunnel)
    conn = await entry.request(Lifetime().call, Request(Connection("c")))
    assert conn.context == ConnectionContext(mtu=agreed)
    assert conn.mechanism == end.answer.having(MTU=str(agreed))


async def test_what_is_no_tunnel_is_left_alone(entry, end) -> None:
    end.answer = Mechanism(LOCAL, KERNEL)
    conn = await entry.request(Lifetime().call, Request(Connection("c")))
    assert conn.context == ConnectionContext(mtu=0)


@pytest.mark.parametrize("lie", [{"dst_ip": "239.1.1.1"}, {"dst_ip": ""}, {"MTU": "lots"}])
async def test_a_lie_is_refused_and_a_new_connection_undone(entry, end, lie) -> None:
    end.answer = end.answer.having(**lie)
    lifetime = Lifetime()
    with pytest.raises(Invalid):
        await entry.request(lifetime.call, Request(Connection("c")))
    assert end.verbs == ["request c", "close c"]
    lifetime.life.last = Connection("c")
    with pytest.raises(Invalid):
        await entry.request(lifetime.call, Request(Connection("c")))
    assert end.verbs[2:] == ["request c"]
