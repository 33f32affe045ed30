"""A connection that is led to another endpoint, and what becomes of the way it had."""

import asyncio
from dataclasses import replace

import pytest

from nsm.api.connection import Connection, Path, Request, Segment
from nsm.elements.lifecycle import Begin
from nsm.elements.reach import MakeBeforeBreak
from nsm.elements.reach.make_before_break import LINGER
from nsm.errors import Unreachable
from nsm.sdk import Call, Element, Handler, Slot, Tasks, chain
from nsm.sdk.clock import LoopClock
from nsm.sdk.testing import Recorder

pytestmark = pytest.mark.looptime


def asked(endpoint: str, next_id: str = "") -> Request:
    segments = (Segment("fwd", "c"), Segment(endpoint, next_id or f"{endpoint}-1"))
    return Request(Connection("c", endpoint=endpoint, path=Path(0, segments)))


class Way(Element):
    """What is remembered of a way: where it leads; and what was remembered when it was closed."""

    def __init__(self) -> None:
        self.leads = Slot[str]()
        self.heard: list[str] = []

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        endpoint, life = request.connection.endpoint, call.life
        known = self.leads.get(call) or "nothing"
        beside = " beside" if life.instead else ""
        self.heard.append(f"ask {endpoint} knowing {known}{beside}")
        conn = await next.request(call, request)
        self.leads.put(call, endpoint)
        life.url, life.asked = f"test://{endpoint}", request.connection
        return conn

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        where = call.life.url or "nowhere"
        self.heard.append(f"close {self.leads.get(call)} at {where}")
        await next.close(call, conn)


@pytest.fixture
def way() -> Way:
    return Way()


@pytest.fixture
def end() -> Recorder:
    return Recorder()


@pytest.fixture
def entry(way: Way, end: Recorder) -> Handler:
    tasks, clock = Tasks(), LoopClock()
    return chain(Begin(tasks, clock), MakeBeforeBreak(tasks, clock), way).bind(end)


async def test_a_refresh_goes_the_way_it_went(entry: Handler, way: Way) -> None:
    for _ in range(2):
        await entry.request(Call(), asked("one"))
    await asyncio.sleep(60)
    assert way.heard == ["ask one knowing nothing", "ask one knowing one"]


async def test_another_endpoint_is_asked_as_if_anew_and_the_old_one_closed_later(
    entry: Handler, way: Way
) -> None:
    await entry.request(Call(), asked("one"))
    await entry.request(Call(), asked("two"))
    assert way.heard[1:] == ["ask two knowing nothing beside"]
    await asyncio.sleep(LINGER + 0.1)
    assert way.heard[2:] == ["close one at test://one"]
    await entry.request(Call(), asked("two"))
    await entry.close(Call(), Connection("c"))
    assert way.heard[3:] == ["ask two knowing two", "close two at test://two"]


async def test_where_answers_are_slow_the_old_way_stays_as_long_as_the_new_one_took(
    way: Way,
) -> None:
    class Slow(Recorder):
        async def request(self, call: Call, request: Request) -> Connection:
            await asyncio.sleep(3 * LINGER)
            return await super().request(call, request)

    tasks, clock = Tasks(), LoopClock()
    entry = chain(Begin(tasks, clock), MakeBeforeBreak(tasks, clock), way).bind(Slow())
    await entry.request(Call(), asked("one"))
    await entry.request(Call(), asked("two"))
    await asyncio.sleep(3 * LINGER - 0.1)
    assert way.heard[1:] == ["ask two knowing nothing beside"]
    await asyncio.sleep(0.2)
    assert way.heard[2:] == ["close one at test://one"]


async def test_where_the_other_does_not_answer_what_stood_stands(
    entry: Handler, way: Way, end: Recorder
) -> None:
    await entry.request(Call(), asked("one"))
    end.failing = Unreachable("two is not there, either")
    with pytest.raises(Unreachable):
        await entry.request(Call(), asked("two"))
    end.failing = None
    await entry.request(Call(), asked("one"))
    await asyncio.sleep(60)
    await entry.close(Call(), Connection("c"))
    assert way.heard[2:] == ["ask one knowing one", "close one at test://one"]


async def test_a_next_hop_that_moved_it_itself_is_not_told_to_close_it(
    entry: Handler, way: Way
) -> None:
    await entry.request(Call(), asked("one", "nm-2"))
    await entry.request(Call(), asked("two", "nm-2"))
    await asyncio.sleep(60)
    assert way.heard[2:] == ["close one at nowhere"]


async def test_a_dead_endpoint_costs_a_farewell_and_no_more(
    entry: Handler, way: Way, end: Recorder
) -> None:
    class Deaf(Recorder):
        async def close(self, call: Call, conn: Connection) -> None:
            await super().close(call, conn)
            if conn.endpoint == "one":
                await asyncio.sleep(3600)

    deaf, tasks, clock = Deaf(), Tasks(), LoopClock()
    entry = chain(Begin(tasks, clock), MakeBeforeBreak(tasks, clock), way).bind(deaf)
    await entry.request(Call(), asked("one"))
    conn = await entry.request(Call(), asked("two"))
    await entry.request(Call(), Request(replace(conn, labels={"on": "time"})))
    await asyncio.sleep(10)
    assert len(tasks) == 0
    assert deaf.verbs == ["request c", "request c", "request c", "close c"]
