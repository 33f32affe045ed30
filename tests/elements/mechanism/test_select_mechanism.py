"""Which offer is taken."""

import pytest

from nsm.api.connection import Path, Segment
from nsm.api.mechanism import KERNEL, MEMIF, VXLAN, Mechanism
from nsm.elements.mechanism.select_mechanism import MOST_OFFERS, SelectMechanism
from nsm.errors import Exhausted, Unreachable, Unsupported
from nsm.sdk import Call, Chain, Connection, Element, Handler, Request, chain
from nsm.sdk.testing import Recorder


class Fail(Element):
    """Refuse with a reason."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        raise self.error


PASS: Chain[Handler] = chain()
BOTH = {KERNEL: PASS, VXLAN: PASS}


def offering(*types: str) -> Request:
    return Request(Connection("c"), tuple(Mechanism(type=type) for type in types))


async def test_the_first_offer_this_host_can_do_is_selected() -> None:
    entry = SelectMechanism(BOTH).bind(Recorder())
    conn = await entry.request(Call(), offering(MEMIF, VXLAN, KERNEL))
    assert conn.mechanism == Mechanism(type=VXLAN)


async def test_an_offer_that_fails_further_on_gives_way_to_the_next() -> None:
    entry = SelectMechanism({KERNEL: Fail(Exhausted("no room")), VXLAN: PASS}).bind(Recorder())
    conn = await entry.request(Call(), offering(KERNEL, VXLAN))
    assert conn.mechanism == Mechanism(type=VXLAN)


async def test_when_every_offer_fails_the_error_names_each_and_why() -> None:
    ways = {KERNEL: Fail(Exhausted("no room")), VXLAN: Fail(Unreachable("no tunnel"))}
    with pytest.raises(Unreachable, match=r"KERNEL: no room; VXLAN: no tunnel"):
        await SelectMechanism(ways).bind(Recorder()).request(Call(), offering(KERNEL, VXLAN))


async def test_nothing_in_common_says_what_was_offered_and_what_would_do() -> None:
    with pytest.raises(Unsupported, match=r"offered: MEMIF; this host can do: KERNEL, VXLAN"):
        await SelectMechanism(BOTH).bind(Recorder()).request(Call(), offering(MEMIF))


async def test_a_selected_mechanism_is_kept_whatever_is_offered() -> None:
    asked = Request(Connection("c", mechanism=Mechanism(type=VXLAN)), (Mechanism(type=KERNEL),))
    conn = await SelectMechanism(BOTH).bind(Recorder()).request(Call(), asked)
    assert conn.mechanism == Mechanism(type=VXLAN)


async def test_a_selected_mechanism_this_host_cannot_do_is_refused() -> None:
    asked = Request(Connection("c", mechanism=Mechanism(type=MEMIF)))
    with pytest.raises(Unsupported, match="KERNEL, VXLAN"):
        await SelectMechanism(BOTH).bind(Recorder()).request(Call(), asked)


async def test_a_flood_of_offers_is_cut_short() -> None:
    end = Recorder(failing=Unreachable("no"))
    with pytest.raises(Unreachable):
        await SelectMechanism(BOTH).bind(end).request(Call(), offering(*[KERNEL] * 1000))
    assert len(end.requests) == MOST_OFFERS


async def test_our_segment_names_the_interface_once() -> None:
    path = Path(1, (Segment("a", "0"), Segment("b", "c")))
    offer = Mechanism(type=KERNEL, parameters={"name": "nsm-1"})
    entry = SelectMechanism(BOTH).bind(Recorder())
    conn = await entry.request(Call(), Request(Connection("c", path=path), (offer,)))
    assert conn.hops.segments[1].metrics == {"server_interface": "KERNEL/nsm-1"}
    assert not conn.hops.segments[0].metrics
    again = await entry.request(Call(), Request(conn))
    assert again == conn


async def test_a_close_takes_the_way_of_the_selected_type() -> None:
    end = Recorder()
    await SelectMechanism(BOTH).bind(end).close(Call(), Connection("c", mechanism=Mechanism()))
    assert end.verbs == ["close c"]
