"""What a registry is still to be told."""

import asyncio

import pytest

from nsm.api.registration import Endpoint
from nsm.elements.registry import arrears
from nsm.elements.registry.arrears import Arrears
from nsm.errors import Unreachable
from nsm.sdk import Call
from nsm.sdk.testing.recording_registry import RecordingRegistry

pytestmark = pytest.mark.looptime
NSE = Endpoint("nse")


async def test_a_registry_that_stays_away_is_asked_ever_more_slowly(tasks, clock) -> None:
    end = RecordingRegistry[Endpoint]()
    end.failing = [Unreachable("away")] * 10_000
    owing = Arrears[Endpoint](tasks, clock)
    for n in range(100):
        owing.heard(Call(), Endpoint(f"nse-{n}"))
    owing.lost(end)
    await asyncio.sleep(3600)
    assert 3600 / 5 <= len(end.heard) <= 3600 / 2.5 + 10


async def test_what_is_lost_while_it_is_being_told_is_told_again(tasks, clock) -> None:
    class LostMeanwhile(RecordingRegistry[Endpoint]):
        async def register(self, call: Call, record: Endpoint) -> Endpoint:
            if not self.heard:
                owing.lost(self)
            return await super().register(call, record)

    owing = Arrears[Endpoint](tasks, clock)
    end = LostMeanwhile()
    owing.heard(Call(), NSE)
    owing.lost(end)
    await asyncio.sleep(60)
    assert end.verbs == ["register nse"] * 2


async def test_no_more_names_are_answered_for_than_may_be(tasks, clock, monkeypatch) -> None:
    monkeypatch.setattr(arrears, "MOST", 1)
    owing = Arrears[Endpoint](tasks, clock)
    for name in ("a", "b", "a"):
        owing.heard(Call(), Endpoint(name))
    assert list(owing.said) == ["a"]
