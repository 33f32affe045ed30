"""Who on this node can build the vWire."""

import asyncio
from dataclasses import replace

import pytest

from nsm.api.connection import RESELECT_REQUESTED, Path, Segment
from nsm.api.labels import Labels
from nsm.api.registration import Match, NetworkService
from nsm.elements.discovery.discover_forwarder import BACK_BY, DiscoverForwarder
from nsm.errors import NotFound, NsmError, Unreachable
from nsm.sdk import Call, Connection, Request
from nsm.sdk.clock import LoopClock
from nsm.sdk.testing import Lifetime, Recorder

PATH = Path(1, (Segment("nsc", "0"), Segment("nm", "c"), Segment("f2", "2")))


class Fragile(Recorder):
    """Forwarders of which some are down."""

    down = frozenset[str]()
    hop = ""

    async def request(self, call: Call, request: Request) -> Connection:
        await super().request(call, request)
        if call.to.removeprefix("unix:///") in self.down:
            raise Unreachable("down", hop=self.hop)
        return request.connection


@pytest.fixture
def end() -> Fragile:
    return Fragile()


@pytest.fixture
def call() -> Call:
    return Lifetime().call


@pytest.fixture
def entry(services, endpoints, endpoint, end):
    endpoints.records = [endpoint(name, "forwarder", p2p="true") for name in ("f1", "f2", "f3")]
    return DiscoverForwarder(
        services, endpoints, LoopClock(), service="forwarder", url="unix:///"
    ).bind(end)


def wish(**labels: str) -> Request:
    return Request(Connection("c", network_service="s", labels=labels))


def tried(end: Fragile) -> list[str]:
    return [call.to.removeprefix("unix:///") for call in end.calls]


async def test_forwarders_are_tried_in_turn_until_one_does_it(entry, end, call) -> None:
    end.down = frozenset({"f1", "f2"})
    await entry.request(call, wish())
    assert tried(end) == ["f1", "f2", "f3"]


async def test_a_refresh_and_a_close_go_to_the_one_that_did_it(entry, end, call) -> None:
    end.down = frozenset({"f1"})
    await entry.request(call, wish())
    end.down = frozenset()
    await entry.request(call, wish())
    await entry.close(call, wish().connection)
    assert tried(end) == ["f1", "f2", "f2", "f2"]


async def test_the_one_on_the_path_is_tried_first(entry, end, call) -> None:
    end.down = frozenset({"f2"})
    await entry.request(call, Request(replace(wish().connection, path=PATH)))
    assert tried(end) == ["f2", "f1"]


async def test_a_reselect_forgets_both_the_choice_and_the_path(entry, end, call) -> None:
    end.down = frozenset({"f1"})
    await entry.request(call, wish())
    end.down = frozenset()
    asked = replace(wish().connection, path=PATH, state=RESELECT_REQUESTED)
    await entry.request(call, Request(asked))
    assert tried(end) == ["f1", "f2", "f1"]


async def test_a_chosen_one_that_is_gone_is_said_to_be(entry, end, endpoints, call) -> None:
    await entry.request(call, wish())
    del endpoints.records[0]
    with pytest.raises(NotFound, match="'f1', which was used so far"):
        await entry.request(call, wish())
    assert tried(end) == ["f1"]


@pytest.mark.looptime
@pytest.mark.parametrize("how", ["does not answer", "is not registered"])
async def test_another_follows_a_chosen_one_that_stays_away(
    entry, end, endpoints, call, how
) -> None:
    await entry.request(call, wish())
    if how == "is not registered":
        del endpoints.records[0]
    end.down = frozenset({"f1"})
    for _ in range(2):
        with pytest.raises(NsmError):
            await entry.request(call, wish())
        await asyncio.sleep(BACK_BY / 2)
    await entry.request(call, wish())
    assert tried(end)[-1] == "f2"
    await entry.request(call, wish())
    assert tried(end)[-1] == "f2"


@pytest.mark.looptime
async def test_a_chosen_one_that_says_somebody_further_on_is_away_is_kept(entry, end, call) -> None:
    await entry.request(call, wish())
    end.down, end.hop = frozenset({"f1"}), "spiffe://test/f1"
    for _ in range(4):
        with pytest.raises(Unreachable):
            await entry.request(call, wish())
        await asyncio.sleep(BACK_BY)
    assert set(tried(end)) == {"f1"}


@pytest.mark.looptime
async def test_a_chosen_one_that_came_back_gets_as_much_time_again(entry, end, call) -> None:
    await entry.request(call, wish())
    for _ in range(3):
        end.down = frozenset({"f1"})
        with pytest.raises(Unreachable):
            await entry.request(call, wish())
        end.down = frozenset()
        await entry.request(call, wish())
        await asyncio.sleep(BACK_BY / 2)
    assert set(tried(end)) == {"f1"}


async def test_only_our_own_forwarders_are_asked_for(entry, endpoints, call) -> None:
    await entry.request(call, wish())
    like = endpoints.asked[0].like
    assert (like.network_service_names, like.url) == (("forwarder",), "unix:///")


@pytest.mark.parametrize(
    ("metadata", "asked"),
    [(None, "f1"), (Labels(), "f1"), (Labels({"p2mp": "true"}), "many")],
)
async def test_the_services_match_says_what_forwarder_it_takes(
    *, entry, end, services, endpoints, endpoint, call, metadata, asked
) -> None:
    services.records = [NetworkService("s", "IP", (Match({"app": "web"}, metadata=metadata),))]
    endpoints.records.insert(0, endpoint("many", "forwarder", p2mp="true"))
    await entry.request(call, wish(app="web"))
    assert tried(end) == [asked]


async def test_no_forwarder_that_fits_says_which_there_are(entry, services, call) -> None:
    services.records = [NetworkService("s", "IP", (Match({"app": "web"}),))]
    with pytest.raises(NotFound, match="there are: f1, f2, f3"):
        await entry.request(call, wish(app="db"))


async def test_every_failure_is_told(entry, end, call) -> None:
    end.down = frozenset({"f1", "f2", "f3"})
    with pytest.raises(Unreachable, match="f1: down; forwarder f2: down; forwarder f3: down"):
        await entry.request(call, wish())


async def test_a_close_of_what_we_do_not_remember_follows_the_path(entry, end, call) -> None:
    await entry.close(call, replace(wish().connection, path=PATH))
    assert tried(end) == ["f2"]


async def test_a_close_goes_on_without_its_forwarder(entry, end, endpoints, call) -> None:
    await entry.request(call, wish())
    endpoints.failing = Unreachable("no registry")
    await entry.close(call, wish().connection)
    assert tried(end) == ["f1", ""]


async def test_a_close_leaves_half_of_its_time_to_whoever_comes_next(entry, endpoints) -> None:
    now = LoopClock().ticks()
    asked = replace(wish().connection, path=PATH)
    await entry.close(replace(Lifetime().call, deadline=now + 10), asked)
    assert now < endpoints.calls[-1].deadline <= now + 5.5


def further(end: Fragile) -> list[tuple[str, ...]]:
    return [tuple(one.name for one in request.connection.hops.segments) for request in end.requests]


async def test_on_a_path_that_went_by_another_node_nobody_follows_its_forwarder(
    entry, end, call
) -> None:
    asked = Request(replace(wish().connection, path=PATH))
    end.down = frozenset({"f2"})
    await entry.request(replace(call, newcomer=True), asked)
    assert tried(end) == ["f2", "f1"]
    assert further(end) == [("nsc", "nm", "f2"), ("nsc", "nm")]


async def test_on_one_that_came_by_here_another_follows(entry, end, call) -> None:
    end.down = frozenset({"f2"})
    await entry.request(call, Request(replace(wish().connection, path=PATH)))
    assert further(end) == [("nsc", "nm", "f2")] * 2
