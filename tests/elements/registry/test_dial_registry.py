"""Reach the registry."""

import pytest

from nsm.api.registration import Answer, Endpoint, Query
from nsm.elements.registry import DialRegistry
from nsm.errors import Invalid, Unreachable
from nsm.sdk import Call
from nsm.sdk.testing import Lifetime
from nsm.sdk.testing.recording_registry import RecordingRegistry

NSE = Endpoint(name="e")


class FakeDialer:
    """Gives its own name for a channel, or fails."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.dialled: list[tuple[str, float | None]] = []

    async def dial(self, url: str, timeout: float | None = None) -> str:
        self.dialled.append((url, timeout))
        if self.error:
            raise self.error
        return f"channel to {url}"


async def all_three(registry, call: Call) -> None:
    await registry.register(call, NSE)
    assert [answer.record async for answer in registry.find(call, Query(NSE))] == [NSE]
    await registry.unregister(call, NSE)


@pytest.mark.parametrize(
    ("url", "to", "dialled"),
    [
        ("tcp://r:5002", "", "tcp://r:5002"),
        ("", "unix:///nsm", "unix:///nsm"),
        ("tcp://r:5002", "unix:///nsm", "tcp://r:5002"),
    ],
)
async def test_each_question_gets_a_channel(url: str, to: str, dialled: str) -> None:
    end, dialer = RecordingRegistry[Endpoint](Answer(NSE)), FakeDialer()
    await all_three(DialRegistry(dialer, url, 0.3).bind(end), Call(to=to))
    assert [call.channel for call in end.calls] == [f"channel to {dialled}"] * 3
    assert dialer.dialled == [(dialled, 0.3)] * 3


async def test_the_life_knows_the_channel_it_is_asked_through() -> None:
    one = Lifetime()
    await DialRegistry(FakeDialer(), "tcp://r").bind(RecordingRegistry()).register(one.call, NSE)
    assert one.life.channel == "channel to tcp://r"


async def test_nowhere_to_go_is_said() -> None:
    with pytest.raises(Invalid, match="URL"):
        await DialRegistry(FakeDialer()).bind(RecordingRegistry()).register(Call(), NSE)


async def test_a_registry_out_of_reach_is_not_asked() -> None:
    end = RecordingRegistry[Endpoint]()
    registry = DialRegistry(FakeDialer(Unreachable("no")), "tcp://r").bind(end)
    with pytest.raises(Unreachable):
        await registry.register(Call(), NSE)
    with pytest.raises(Unreachable):
        await anext(registry.find(Call(), Query(NSE)))
    assert end.heard == []


async def test_leaving_a_watch_leaves_what_stands_behind_it(listen, settle) -> None:
    end = RecordingRegistry[Endpoint]()
    watch = DialRegistry(FakeDialer(), "tcp://r").bind(end).find(Call(), Query(NSE, watch=True))
    heard = listen(watch)
    await settle()
    assert end.watches == 1
    heard.task.cancel()
    await settle()
    assert end.watches == 0
