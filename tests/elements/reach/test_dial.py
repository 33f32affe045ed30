import asyncio
from dataclasses import dataclass

import pytest

from nsm.api.connection import Connection, Request
from nsm.elements.lifecycle import Begin
from nsm.elements.reach import Dial
from nsm.errors import TooLate, Unreachable
from nsm.sdk import Call, Channel, Element, Handler, Life, Tasks, chain
from nsm.sdk.clock import LoopClock
from nsm.sdk.testing import Recorder

pytestmark = pytest.mark.looptime

ASKED = Request(Connection("c"))


@dataclass(eq=False)
class Way:
    """A `Channel`, told apart by where it leads."""

    url: str


class Ways:
    """A pool of channels, some to places that cannot be reached."""

    def __init__(self) -> None:
        self.pool: dict[str, Way] = {}
        self.dialled: list[tuple[str, float | None]] = []
        self.dead: set[str] = set()
        self.late = False  # hand the pooled one out once more, then notice that it broke

    async def dial(self, url: str, timeout: float | None = None) -> Channel:
        self.dialled.append((url, timeout))
        if url in self.dead:
            raise Unreachable(f"nobody at {url}")
        channel = self.pool.setdefault(url, Way(url))
        if self.late:
            self.late = False
            del self.pool[url]
        return channel


class End(Recorder):
    """Writes down which way it was asked; fails on ways that are broken."""

    def __init__(self) -> None:
        super().__init__()
        self.ways: list[str] = []
        self.broken: set[object] = set()

    async def request(self, call: Call, request: Request) -> Connection:
        self.ways.append(f"request {call.channel.url if call.channel else None}")
        if call.channel in self.broken:
            raise Unreachable("the connection was reset")
        return await super().request(call, request)

    async def close(self, call: Call, conn: Connection) -> None:
        self.ways.append(f"close {call.channel.url if call.channel else None}")
        await super().close(call, conn)


class Keep(Element):
    life: Life

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        self.life = call.life
        return await next.request(call, request)


def start(timeout: float = 0.0) -> tuple[Handler, Ways, End, Keep]:
    ways, end, keep, clock = Ways(), End(), Keep(), LoopClock()
    dial = Dial(ways, clock, timeout)
    return chain(Begin(Tasks(), clock), keep, dial).bind(end), ways, end, keep


async def test_the_channel_is_in_the_call_and_in_the_life() -> None:
    entry, ways, end, keep = start()
    await entry.request(Call(to="a"), ASKED)
    assert end.calls[0].channel is keep.life.channel is ways.pool["a"]


async def test_a_call_that_goes_nowhere_is_passed_on() -> None:
    entry, ways, end, _ = start()
    await entry.request(Call(), ASKED)
    assert (ways.dialled, end.ways) == ([], ["request None"])


async def test_where_the_url_changed_the_old_one_is_closed_first() -> None:
    entry, _, end, _ = start()
    await entry.request(Call(to="a"), ASKED)
    await entry.request(Call(to="a"), ASKED)
    await entry.request(Call(to="b"), ASKED)
    assert end.ways == ["request a", "request a", "close a", "request b"]


async def test_an_old_way_that_is_dead_holds_nobody_up() -> None:
    entry, ways, end, _ = start()
    await entry.request(Call(to="a"), ASKED)
    ways.dead.add("a")
    await entry.request(Call(to="b"), ASKED)
    assert end.ways == ["request a", "close None", "request b"]


async def test_an_old_way_that_does_not_answer_is_given_little_time() -> None:
    class Hang(Element):
        async def close(self, call: Call, conn: Connection, next: Handler) -> None:
            await asyncio.sleep(60)

    ways, end, clock = Ways(), End(), LoopClock()
    entry = chain(Begin(Tasks(), clock), Dial(ways, clock), Hang()).bind(end)
    await entry.request(Call(to="a"), ASKED)
    await entry.request(Call(to="b"), ASKED)
    assert asyncio.get_running_loop().time() <= 2
    assert end.ways == ["request a", "request b"]


async def test_a_pooled_channel_that_broke_is_dialled_anew_and_asked_once_more() -> None:
    entry, ways, end, keep = start()
    await entry.request(Call(to="a"), ASKED)
    broken = ways.pool["a"]
    end.broken.add(broken)
    ways.late = True
    await entry.request(Call(to="a"), ASKED)
    assert end.ways == ["request a"] * 3
    assert keep.life.channel is ways.pool["a"] is not broken


async def test_someone_further_on_who_cannot_be_reached_is_not_asked_twice() -> None:
    entry, _, end, _ = start()
    end.failing = Unreachable("the hop after that is gone")
    with pytest.raises(Unreachable):
        await entry.request(Call(to="a"), ASKED)
    assert end.ways == ["request a"]


async def test_a_first_failure_leaves_no_channel_and_a_later_one_does() -> None:
    entry, ways, end, keep = start()
    end.failing = Unreachable("no")
    with pytest.raises(Unreachable):
        await entry.request(Call(to="a"), ASKED)
    assert keep.life.channel is None
    end.failing = None
    await entry.request(Call(to="a"), ASKED)
    end.failing = Unreachable("no")
    with pytest.raises(Unreachable):
        await entry.request(Call(to="a"), ASKED)
    assert keep.life.channel is ways.pool["a"]


async def test_a_close_goes_where_the_last_request_went() -> None:
    entry, _, end, keep = start()
    await entry.request(Call(to="a"), ASKED)
    await entry.close(Call(), Connection("c"))
    assert end.ways == ["request a", "close a"]
    assert keep.life.channel is None


async def test_a_close_where_nobody_answers_still_undoes_what_is_ours() -> None:
    entry, ways, end, _ = start()
    await entry.request(Call(to="a"), ASKED)
    ways.dead.add("a")
    with pytest.raises(Unreachable, match="nobody at a"):
        await entry.close(Call(), Connection("c"))
    assert end.ways == ["request a", "close None"]


@pytest.mark.parametrize(
    ("timeout", "deadline", "bound"),
    [(0.0, None, None), (0.75, None, 0.75), (0.0, 5.0, 5.0), (0.75, 5.0, 0.75), (9.0, 5.0, 5.0)],
)
async def test_a_dial_takes_no_longer_than_it_or_the_caller_may(
    timeout: float, deadline: float | None, bound: float | None
) -> None:
    entry, ways, _, _ = start(timeout)
    await entry.request(Call(to="a", deadline=deadline), ASKED)
    assert ways.dialled == [("a", bound)]


async def test_a_caller_without_time_left_is_told_so() -> None:
    entry, ways, _, _ = start()
    await asyncio.sleep(10)
    with pytest.raises(TooLate):
        await entry.request(Call(to="a", deadline=5.0), ASKED)
    assert ways.dialled == []
