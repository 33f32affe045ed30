"""Two mechanisms, one connection."""

import pytest

from nsm.api.connection import Path, Segment
from nsm.api.mechanism import KERNEL, VXLAN, Mechanism
from nsm.elements.mechanism.translate_mechanism import TranslateMechanism
from nsm.errors import Exhausted
from nsm.sdk import Call, Connection, Element, Handler, Request, Slot, chain, closing_on_error
from nsm.sdk.testing import Lifetime, Recorder

NEAR = Mechanism(type=KERNEL, parameters={"name": "nsm-1"})
FAR = Mechanism(type=VXLAN, parameters={"vni": "2"})


class Answer(Element):
    """Select FAR, as the next hop does."""

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        conn = await next.request(call, request)
        return Connection(conn.id, mechanism=FAR)


async def test_each_side_sees_its_own() -> None:
    end, onward = Recorder(), Slot[Mechanism]()
    call = Lifetime().call
    entry = chain(TranslateMechanism(onward), Answer()).bind(end)
    asked = Request(Connection("c", mechanism=NEAR), (NEAR, FAR))
    conn = await entry.request(call, asked)
    assert conn.mechanism == NEAR
    assert onward.get(call) == FAR
    assert end.requests[0].connection.mechanism is None
    assert end.requests[0].preferences == ()


async def test_a_refresh_asks_onward_with_what_was_agreed_onward() -> None:
    end, call = Recorder(), Lifetime().call
    entry = chain(TranslateMechanism(Slot[Mechanism]()), Answer()).bind(end)
    await entry.request(call, Request(Connection("c", mechanism=NEAR)))
    await entry.request(call, Request(Connection("c", mechanism=NEAR)))
    assert end.requests[1].connection.mechanism == FAR


async def test_a_close_says_what_was_agreed_onward_and_forgets_it() -> None:
    end, onward, call = Recorder(), Slot[Mechanism](), Lifetime().call
    entry = chain(TranslateMechanism(onward), Answer()).bind(end)
    await entry.request(call, Request(Connection("c", mechanism=NEAR)))
    await entry.close(call, Connection("c", mechanism=NEAR))
    assert end.heard[-1] == ("close", Connection("c", mechanism=FAR))
    assert onward.get(call) is None


async def test_an_answer_that_is_of_no_use_is_closed_with_what_was_agreed_onward() -> None:
    class Fail(Element):
        async def request(self, call: Call, request: Request, next: Handler) -> Connection:
            conn = await next.request(call, request)
            async with closing_on_error(next, call, conn):
                raise Exhausted("no room")

    end, onward, call = Recorder(), Slot[Mechanism](), Lifetime().call
    entry = chain(Fail(), TranslateMechanism(onward), Answer()).bind(end)
    with pytest.raises(Exhausted):
        await entry.request(call, Request(Connection("c", mechanism=NEAR)))
    assert end.heard[-1] == ("close", Connection("c", mechanism=FAR))
    assert onward.get(call) is None


async def test_the_way_onward_is_named_in_our_own_segments_metrics() -> None:
    path = Path(1, (Segment("nm"), Segment("fwd"), Segment("nse")))

    class Answered(Element):
        async def request(self, call: Call, request: Request, next: Handler) -> Connection:
            return Connection("c", mechanism=FAR, path=path)

    entry = chain(TranslateMechanism(Slot[Mechanism]()), Answered()).bind(Recorder())
    conn = await entry.request(Lifetime().call, Request(Connection("c", mechanism=NEAR)))
    assert [segment.metrics for segment in conn.hops.segments] == [
        {},
        {"client_interface": "VXLAN/"},
        {},
    ]
