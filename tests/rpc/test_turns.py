import asyncio
from itertools import pairwise

import pytest

from nsm.rpc.turns import LONG, Turns

pytestmark = pytest.mark.looptime


async def begin(turns: Turns, name: int, begun: list[int]) -> None:
    await turns.mine()
    begun.append(name)


def crowd(turns: Turns, names: range, begun: list[int]) -> list[asyncio.Task[None]]:
    return [asyncio.ensure_future(begin(turns, name, begun)) for name in names]


async def test_who_comes_alone_does_not_wait() -> None:
    turns, begun = Turns(), []
    work = begin(turns, 1, begun)
    with pytest.raises(StopIteration):
        work.send(None)
    assert begun == [1]
    await asyncio.sleep(0)
    await begin(turns, 2, begun)
    assert begun == [1, 2]


async def test_of_many_one_begins_in_each_turn_of_the_loop_in_their_order() -> None:
    turns, begun = Turns(), []
    crowd(turns, range(5), begun)
    seen = []
    for _ in range(20):
        await asyncio.sleep(0)
        seen.append(len(begun))
    assert begun == [0, 1, 2, 3, 4]
    assert max(b - a for a, b in pairwise(seen)) == 1


async def test_what_was_begun_goes_on_between_two_that_begin() -> None:
    turns, steps = Turns(), []

    async def work(name: int) -> None:
        await turns.mine()
        for _ in range(3):
            steps.append(name)
            await asyncio.sleep(0)

    await asyncio.gather(*map(work, range(50)))
    under_way = max(len({*steps[at : at + 10]}) for at in range(len(steps)))
    assert under_way < 10, "the last did not begin before the first were through"


async def test_who_has_waited_long_is_no_longer_first() -> None:
    turns, begun = Turns(), []
    old = crowd(turns, range(3), begun)
    await asyncio.sleep(0)  # the first has begun
    turns._waiting = type(turns._waiting)(  # a loop that was busy for so long
        (since - 2 * LONG, turn) for since, turn in turns._waiting
    )
    new = crowd(turns, range(10, 12), begun)
    await asyncio.gather(*old, *new)
    assert begun == [0, 2, 11, 10, 1], "of two, then of three, the newest"


async def test_who_has_given_up_is_passed_over() -> None:
    turns, begun = Turns(), []
    tasks = crowd(turns, range(4), begun)
    await asyncio.sleep(0)
    tasks[1].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert begun == [0, 2, 3]
    assert len(turns) == 0
