"""Several endpoints behind one service."""

from contextlib import nullcontext
from dataclasses import replace

import pytest

from nsm.api.context import IpContext
from nsm.elements.discovery import take_turns
from nsm.elements.discovery.take_turns import TakeTurns
from nsm.errors import Exhausted, NotFound, NsmError, Unreachable
from nsm.sdk import Call, Connection, Request
from nsm.sdk.testing import Lifetime, Recorder

WISH = Request(Connection("c", network_service="s"))


class Busy(Recorder):
    """Endpoints of which some refuse."""

    refusing = frozenset[str]()

    async def request(self, call: Call, request: Request) -> Connection:
        await super().request(call, request)
        if request.connection.endpoint in self.refusing:
            raise Exhausted("busy")
        return request.connection


@pytest.fixture
def call(endpoint):
    return Call(candidates=tuple(endpoint(name) for name in "abc"))


async def test_requests_are_spread_evenly(call) -> None:
    entry = TakeTurns().bind(Recorder())
    taken = [(await entry.request(call, WISH)).endpoint for _ in range(6)]
    assert taken == ["a", "b", "c", "a", "b", "c"]


async def test_each_service_has_its_own_turn(call) -> None:
    entry = TakeTurns().bind(Recorder())
    other = Request(Connection("d", network_service="t"))
    assert (await entry.request(call, WISH)).endpoint == "a"
    assert (await entry.request(call, other)).endpoint == "a"
    assert (await entry.request(call, WISH)).endpoint == "b"


async def test_the_first_that_does_it_wins_and_is_called_by_its_url(call) -> None:
    end = Busy()
    end.refusing = frozenset("ab")
    conn = await TakeTurns().bind(end).request(call, WISH)
    assert conn.endpoint == "c"
    assert [c.to for c in end.calls] == ["unix:///a", "unix:///b", "unix:///c"]


async def test_whoever_had_it_is_asked_last_and_for_what_it_gave(endpoint) -> None:
    gave = IpContext(src_ip_addrs=("10.0.0.3/32",), excluded_prefixes=("10.1.0.0/16",))
    life, end = Lifetime(), Busy()
    life.life.last = Connection("c", network_service="s", endpoint="a").with_ip(gave)
    end.refusing = frozenset("b")
    call = replace(life.call, candidates=(endpoint("a"), endpoint("b")))
    conn = await TakeTurns().bind(end).request(call, WISH)
    assert [one.connection.endpoint for one in end.requests] == ["b", "a"]
    assert end.requests[0].connection.ip.src_ip_addrs == ()
    assert conn.ip == replace(gave, excluded_prefixes=())


@pytest.mark.parametrize(
    ("error", "asked"),
    [
        (Unreachable("the end is dead", hop="spiffe://test/nm-2"), [("10.0.0.3/32",), ()]),
        (NotFound("the end is unknown", hop="spiffe://test/nm-2"), [("10.0.0.3/32",), ()]),
        (Unreachable("it is dead itself"), [("10.0.0.3/32",)]),
    ],
)
async def test_whoever_had_it_and_cannot_reach_the_one_behind_it_may_lead_it_elsewhere(
    endpoint, error: NsmError, asked: list[tuple[str, ...]]
) -> None:
    class Passing(Recorder):
        async def request(self, call: Call, request: Request) -> Connection:
            await super().request(call, request)
            if request.connection.ip.src_ip_addrs or not error.hop:
                raise error
            return request.connection

    life, end = Lifetime(), Passing()
    life.life.last = Connection("c", endpoint="a").with_ip(IpContext(src_ip_addrs=("10.0.0.3/32",)))
    with nullcontext() if error.hop else pytest.raises(Unreachable):
        await TakeTurns().bind(end).request(replace(life.call, candidates=(endpoint("a"),)), WISH)
    assert [one.connection.ip.src_ip_addrs for one in end.requests] == asked


async def test_when_none_does_it_the_error_names_each_and_why(call) -> None:
    end = Busy()
    end.refusing = frozenset("abc")
    with pytest.raises(Exhausted, match=r"endpoint a: busy; endpoint b: busy; endpoint c: busy"):
        await TakeTurns().bind(end).request(call, WISH)


@pytest.mark.parametrize("to", ["", "unix:///x"])
async def test_without_a_choice_it_passes(to: str, endpoint) -> None:
    end = Recorder()
    call = Call(to=to, candidates=(endpoint("a"),) if to else ())
    await TakeTurns().bind(end).request(call, WISH)
    assert end.calls == [call]


async def test_endless_services_do_not_fill_the_memory(call, monkeypatch) -> None:
    monkeypatch.setattr(take_turns, "MOST_SERVICES", 3)
    element = TakeTurns()
    entry = element.bind(Recorder())
    for n in range(10):
        await entry.request(call, Request(Connection("c", network_service=str(n))))
    assert len(element.turns) <= 3


async def test_a_failure_of_ours_is_not_hidden(call) -> None:
    with pytest.raises(ZeroDivisionError):
        await TakeTurns().bind(Recorder(failing=ZeroDivisionError())).request(call, WISH)
