"""Keep a watch going when the registry comes and goes."""

import pytest

from nsm.api.registration import Answer, Endpoint, Query
from nsm.elements.registry import HealFind
from nsm.errors import Denied, TooLate, Unreachable
from nsm.sdk import Call
from nsm.sdk.testing.recording_registry import RecordingRegistry

pytestmark = pytest.mark.looptime
WATCH = Query(Endpoint(name="e"), watch=True)


@pytest.mark.parametrize("loss", [Unreachable("gone"), None])
async def test_a_watch_that_ends_is_opened_again(clock, listen, settle, loss) -> None:
    end = RecordingRegistry[Endpoint](Answer(Endpoint(name="e", url="1")))
    heard = listen(HealFind(clock).bind(end).find(Call(), WATCH))
    await settle()
    end.found = [Answer(Endpoint(name="e", url="2"))]
    end.lose(loss)
    await clock.sleep(0.3)
    assert heard == ["e 1", "e 2"]
    assert end.watches == 1


async def test_a_registry_that_stays_away_is_asked_ever_more_seldom(clock, listen) -> None:
    end = RecordingRegistry[Endpoint]()
    end.failing = [Unreachable("gone")] * 1000
    listen(HealFind(clock).bind(end).find(Call(), WATCH))
    await clock.sleep(60)
    assert 12 <= len(end.heard) <= 35


async def test_a_refusal_is_passed_on(clock, listen, settle) -> None:
    end = RecordingRegistry[Endpoint]()
    end.failing = [Denied("no")]
    heard = listen(HealFind(clock).bind(end).find(Call(), WATCH))
    await settle()
    assert isinstance(heard.error, Denied)


async def test_it_ends_with_the_callers_time(clock, listen) -> None:
    end = RecordingRegistry[Endpoint]()
    heard = listen(HealFind(clock).bind(end).find(Call(deadline=clock.ticks() + 1), WATCH))
    await clock.sleep(2)
    end.lose(TooLate("late"))
    await clock.sleep(1)
    assert isinstance(heard.error, TooLate)
    assert len(end.heard) == 1


async def test_who_leaves_leaves_nothing_behind(clock, listen, settle) -> None:
    end = RecordingRegistry[Endpoint]()
    heard = listen(HealFind(clock).bind(end).find(Call(), WATCH))
    await settle()
    heard.task.cancel()
    await clock.sleep(10)
    assert end.watches == 0
    assert len(end.heard) == 1


async def test_what_does_not_watch_is_left_alone(clock, listen, settle) -> None:
    end = RecordingRegistry[Endpoint]()
    end.failing = [Unreachable("gone")]
    heard = listen(HealFind(clock).bind(end).find(Call(), Query(Endpoint())))
    await clock.sleep(10)
    assert isinstance(heard.error, Unreachable)
    assert len(end.heard) == 1
