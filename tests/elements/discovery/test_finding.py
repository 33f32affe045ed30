"""Asking a registry once."""

import asyncio

import pytest

from nsm.api.registration import Answer, Endpoint, NetworkService
from nsm.elements.discovery import finding
from nsm.elements.discovery.finding import (
    alive,
    find_all,
    find_endpoint,
    find_service,
    find_with_service,
    listed,
)
from nsm.errors import Exhausted, NotFound
from nsm.sdk import Call, Connection
from nsm.sdk.clock import LoopClock
from nsm.sdk.testing import Lifetime, RecordingRegistry


async def test_what_is_gone_is_not_found() -> None:
    registry = RecordingRegistry(Answer(Endpoint("a")), Answer(Endpoint("b"), deleted=True))
    assert await find_all(registry, Call(), Endpoint()) == [Endpoint("a")]


async def test_the_question_is_our_own_within_the_callers_time() -> None:
    registry = RecordingRegistry(Answer(Endpoint("a")))
    call = Lifetime(Call(deadline=7.0, to="unix:///x")).call
    await find_all(registry, call, Endpoint())
    assert registry.calls == [Call(deadline=7.0)]


async def test_only_the_exact_name_counts() -> None:
    services = RecordingRegistry(Answer(NetworkService("ab")), Answer(NetworkService("a")))
    assert (await find_service(services, Call(), "a", "")).name == "a"
    with pytest.raises(NotFound, match="'b' with payload IP"):
        await find_service(services, Call(), "b", "IP")
    with pytest.raises(NotFound, match="'nse' is not registered"):
        await find_endpoint(RecordingRegistry(Answer(Endpoint("nse-2"))), Call(), "nse")


async def test_an_answer_without_end_is_cut_off(monkeypatch) -> None:
    monkeypatch.setattr(finding, "MOST", 3)
    with pytest.raises(Exhausted):
        await find_all(RecordingRegistry(*[Answer(Endpoint("a"))] * 4), Call(), Endpoint())


@pytest.mark.looptime
async def test_the_expired_are_left_out(endpoint) -> None:
    clock = LoopClock(start=1000.0)
    kept = [endpoint("a"), endpoint("c", expires=clock.now() + 1)]
    assert alive([*kept, endpoint("b", expires=clock.now() - 1)], clock) == kept


def test_a_list_of_many_names_a_few(endpoint) -> None:
    assert listed([]) == "none"
    assert listed([endpoint(str(n)) for n in range(10)], 2) == "0, 1 and 8 more"


async def test_a_service_that_is_not_there_ends_the_search_for_its_endpoints(services) -> None:
    conn = Connection("c", network_service="t")

    class Slow(RecordingRegistry):
        left = False

        async def find(self, call, query):
            try:
                await asyncio.sleep(3600)
                yield Answer(Endpoint("never"))
            finally:
                self.left = True

    slow = Slow()
    with pytest.raises(NotFound, match="'t' is not registered"):
        await find_with_service(services, slow, Call(), conn, Endpoint())
    assert slow.left
