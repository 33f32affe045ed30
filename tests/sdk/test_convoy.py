import asyncio

import pytest

from nsm.errors import NotFound, Unreachable
from nsm.sdk.clock import LoopClock
from nsm.sdk.convoy import BREATH, LONG, LONGEST_PAUSE, WIDEST, WIDTH, Convoy

pytestmark = pytest.mark.looptime


class Hop:
    """Answers after `takes` seconds, or fails with `error`; knows how many ask at once."""

    def __init__(self, takes: float = 0.1, error: Exception | None = None) -> None:
        self.convoy = Convoy(LoopClock())
        self.takes, self.error = takes, error
        self.asking = self.most = 0
        self.asked: list[float] = []

    async def ask(self) -> None:
        async with self.convoy.turn():
            self.asking += 1
            self.most = max(self.most, self.asking)
            self.asked.append(asyncio.get_running_loop().time())
            try:
                await asyncio.sleep(self.takes)
            finally:
                self.asking -= 1
            if self.error:
                raise self.error

    async def crowd(self, count: int) -> None:
        await asyncio.gather(*(self.ask() for _ in range(count)), return_exceptions=True)

    def pauses(self) -> list[float]:
        return [round(b - a, 6) for a, b in zip(self.asked, self.asked[1:], strict=False)]


async def test_a_few_go_at_once() -> None:
    hop = Hop()
    await hop.crowd(WIDTH)
    assert hop.most == WIDTH
    assert len(set(hop.asked)) == 1


async def test_whoever_is_answered_in_time_is_followed_by_more() -> None:
    hop = Hop()
    await hop.crowd(500)
    assert hop.most == WIDEST
    assert len(hop.asked) == 500


async def test_a_slow_hop_is_asked_ever_fewer_at_once() -> None:
    hop = Hop(takes=20 * LONG)
    await hop.crowd(WIDTH + 5)
    assert hop.convoy.width == 1
    assert hop.asked[:WIDTH] == [hop.asked[0]] * WIDTH
    assert hop.pauses()[WIDTH - 1 :] == [LONG] * 5, "one at a time, and none waits for its answer"


async def test_it_is_asked_more_again_when_it_is_fast_again() -> None:
    hop = Hop(takes=20 * LONG)
    await hop.crowd(2 * WIDTH)
    hop.takes, hop.most = 0.1, 0
    await hop.crowd(100)
    assert hop.most == WIDEST


async def test_while_the_next_hop_is_not_there_one_tries_for_all_ever_more_seldom() -> None:
    hop = Hop(takes=0.0, error=Unreachable("nobody listens"))
    await hop.crowd(30)
    alone = hop.pauses()[WIDTH:]
    assert all(LONGEST_PAUSE / 2 <= pause <= LONGEST_PAUSE for pause in alone[-10:])
    assert min(alone) > 0, "no two at once"


async def test_a_hop_that_gives_nobody_anything_is_asked_by_one_with_a_breath_between() -> None:
    hop = Hop(takes=0.0, error=NotFound("nobody serves it"))
    await hop.crowd(30)
    assert all(0 < pause <= BREATH for pause in hop.pauses()[WIDTH:])


async def test_after_a_failure_an_answer_makes_room_for_all() -> None:
    hop = Hop(takes=0.0, error=Unreachable("nobody listens"))
    await hop.crowd(20)
    hop.error, hop.takes, hop.most = None, 0.1, 0
    began = asyncio.get_running_loop().time()
    await hop.crowd(100)
    assert hop.most == WIDEST
    assert asyncio.get_running_loop().time() - began < LONGEST_PAUSE + 2


async def test_who_leaves_while_it_waits_keeps_nobody_waiting() -> None:
    hop = Hop(takes=0.5)
    tasks = [asyncio.ensure_future(hop.ask()) for _ in range(3 * WIDTH)]
    await asyncio.sleep(0.1)
    for task in tasks[WIDTH : 2 * WIDTH]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert len(hop.asked) == 2 * WIDTH


async def test_who_is_let_go_and_leaves_at_that_moment_gives_its_place_to_the_next() -> None:
    hop = Hop(takes=0.5)
    hop.convoy.width = 1
    first, second, third = (asyncio.ensure_future(hop.ask()) for _ in range(3))
    await first
    second.cancel()
    hop.convoy.width = 1
    async with asyncio.timeout(5):
        await asyncio.gather(second, third, return_exceptions=True)
    assert len(hop.asked) >= 2
