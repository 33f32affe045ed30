"""Who serves what is asked for."""

import pytest

from nsm.api.registration import Destination, Match, NetworkService
from nsm.elements.discovery.discover_endpoint import DiscoverEndpoint
from nsm.errors import NotFound, Unreachable
from nsm.sdk import Call, Connection, Request
from nsm.sdk.clock import LoopClock
from nsm.sdk.testing import Recorder


@pytest.fixture
def end() -> Recorder:
    return Recorder()


@pytest.fixture
def entry(services, endpoints, end):
    return DiscoverEndpoint(services, endpoints, LoopClock()).bind(end)


def wish(endpoint: str = "", payload: str = "", **labels: str) -> Request:
    return Request(
        Connection("c", network_service="s", endpoint=endpoint, payload=payload, labels=labels)
    )


async def test_all_endpoints_of_the_service_are_candidates_and_its_payload_is_set(
    entry, end, endpoints, endpoint
) -> None:
    endpoints.records = [endpoint("a"), endpoint("other", "t"), endpoint("b")]
    await entry.request(Call(), wish())
    assert [e.name for e in end.calls[0].candidates] == ["a", "b"]
    assert end.calls[0].to == ""
    assert end.requests[0].connection.payload == "IP"


async def test_labels_choose_among_them(entry, end, services, endpoints, endpoint) -> None:
    matches = (Match({"app": "web"}, (Destination({"site": "{{.zone}}"}),)),)
    services.records = [NetworkService("s", "IP", matches)]
    endpoints.records = [endpoint("a", site="x"), endpoint("b", site="y")]
    await entry.request(Call(), wish(app="web", zone="y"))
    assert [e.name for e in end.calls[0].candidates] == ["b"]


async def test_a_named_endpoint_is_where_the_call_goes(entry, end, services, endpoints, endpoint):
    endpoints.records = [endpoint("a"), endpoint("b")]
    await entry.request(Call(), wish("b", payload="ETHERNET"))
    assert end.calls[0].to == "unix:///b"
    assert not services.asked, "only the name counts"


async def test_a_call_that_knows_its_way_is_left_alone(entry, end, services, endpoints) -> None:
    await entry.request(Call(to="unix:///x"), wish("b"))
    assert end.calls == [Call(to="unix:///x")]
    assert not endpoints.asked


@pytest.mark.looptime
async def test_expired_endpoints_are_no_candidates(entry, end, endpoints, endpoint) -> None:
    endpoints.records = [endpoint("a", expires=1.0), endpoint("b")]
    await entry.request(Call(), wish())
    assert [e.name for e in end.calls[0].candidates] == ["b"]


async def test_no_match_says_what_was_looked_for_and_what_there_is(
    entry, services, endpoints, endpoint
) -> None:
    services.records = [NetworkService("s", "IP", (Match({"app": "web"}),))]
    endpoints.records = [endpoint("a")]
    with pytest.raises(NotFound, match=r"'s' matches labels app=db; endpoints registered: a"):
        await entry.request(Call(), wish(app="db"))


async def test_an_unknown_service_or_payload_is_said_to_be(entry, services) -> None:
    with pytest.raises(NotFound, match="'s' with payload ETHERNET is not registered"):
        await entry.request(Call(), wish(payload="ETHERNET"))
    services.records = []
    with pytest.raises(NotFound, match="'s' is not registered"):
        await entry.request(Call(), wish())


async def test_a_close_goes_where_the_connection_went(entry, end, endpoints, endpoint) -> None:
    endpoints.records = [endpoint("a")]
    await entry.close(Call(), Connection("c", endpoint="a"))
    assert end.calls[0].to == "unix:///a"


@pytest.mark.parametrize("failing", [None, Unreachable("no registry")])
async def test_a_close_goes_on_without_knowing_where(entry, end, endpoints, failing) -> None:
    endpoints.failing = failing
    await entry.close(Call(), Connection("c", endpoint="gone"))
    assert end.verbs == ["close c"]


async def test_a_close_leaves_half_of_its_time_to_whoever_comes_next(entry, end, endpoints) -> None:
    """Where no registry answers, asking it must not cost the undoing of what was built here."""
    now = LoopClock().ticks()
    await entry.close(Call(deadline=now + 10), Connection("c", endpoint="gone"))
    assert end.calls[0].deadline == now + 10
    assert now < endpoints.calls[-1].deadline <= now + 5.5
