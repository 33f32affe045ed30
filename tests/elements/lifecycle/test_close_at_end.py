import asyncio

import pytest

from nsm.api.connection import Connection, Request
from nsm.elements.lifecycle import Begin, CloseAtEnd
from nsm.elements.lifecycle.close_at_end import GOODBYE
from nsm.errors import Unreachable
from nsm.sdk import END, Call, Element, Handler, Tasks, chain
from nsm.sdk.clock import LoopClock

pytestmark = pytest.mark.looptime


class Next(Element):
    """Who is led on to, and whom it closed; it may fail, or take long."""

    def __init__(self) -> None:
        self.closed: list[str] = []
        self.lives: dict[str, object] = {}
        self.failing: set[str] = set()
        self.takes = 0.0

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        self.lives[request.connection.id] = call.life
        return request.connection

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        if conn.id in self.failing:
            raise Unreachable("it is gone")
        await asyncio.sleep(self.takes)
        assert call.life is self.lives[conn.id]
        assert call.deadline is not None
        self.closed.append(conn.id)


@pytest.fixture
def later() -> Next:
    return Next()


@pytest.fixture
def ending() -> CloseAtEnd:
    return CloseAtEnd(LoopClock())


@pytest.fixture
def entry(ending: CloseAtEnd, later: Next) -> Handler:
    return chain(Begin(Tasks(), LoopClock()), ending, later).bind(END)


async def ask(entry: Handler, *ids: str) -> None:
    for id in ids:
        await entry.request(Call(), Request(Connection(id)))


async def test_what_is_open_is_closed_once_and_what_was_closed_is_not(
    entry: Handler, ending: CloseAtEnd, later: Next
) -> None:
    await ask(entry, "a", "b", "b", "c")
    await entry.close(Call(deadline=9.0), Connection("a"))
    await ending.end()
    await ending.end()
    assert later.closed == ["a", "b", "c"]


async def test_one_that_fails_keeps_no_other_from_being_closed(
    entry: Handler, ending: CloseAtEnd, later: Next
) -> None:
    await ask(entry, "a", "b")
    later.failing = {"a"}
    await ending.end()
    assert later.closed == ["b"]


async def test_all_together_take_no_longer_than_the_longest_and_no_longer_than_is_allowed(
    entry: Handler, ending: CloseAtEnd, later: Next
) -> None:
    clock = asyncio.get_running_loop().time
    later.takes = 1.0
    await ask(entry, *map(str, range(100)))
    began = clock()
    await ending.end()
    assert (len(later.closed), clock() - began) == (100, 1.0)
    await ask(entry, "slow")
    later.takes = 1000.0
    began = clock()
    await ending.end()
    assert clock() - began == GOODBYE
