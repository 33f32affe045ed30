"""Two questions at the same time, and what becomes of whoever asks them."""

import asyncio

import pytest

from nsm.errors import NotFound
from nsm.sdk.side_by_side import both

pytestmark = pytest.mark.looptime


async def after(seconds: float, answer: object = None) -> object:
    await asyncio.sleep(seconds)
    if isinstance(answer, Exception):
        raise answer
    return answer


async def for_ever(ended: list[str]) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        ended.append("the other")


async def test_both_answers_take_as_long_as_the_later() -> None:
    began = asyncio.get_running_loop().time()
    assert await both(after(1, "a"), after(2, "b")) == ("a", "b")
    assert asyncio.get_running_loop().time() - began == pytest.approx(2)


@pytest.mark.parametrize("turned", [False, True])
async def test_the_failure_of_either_ends_the_other_and_is_raised(turned: bool) -> None:
    ended: list[str] = []
    works = (after(1, NotFound("no")), for_ever(ended))
    with pytest.raises(NotFound):
        await both(*(reversed(works) if turned else works))
    assert ended == ["the other"]


async def test_both_may_fail_at_once() -> None:
    with pytest.raises(NotFound):
        await both(after(1, NotFound("one")), after(1, NotFound("other")))


async def test_a_failure_leaves_its_asker_as_it_was() -> None:
    with pytest.raises(NotFound):
        await both(after(1, NotFound("no")), after(2))
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await asyncio.sleep(2)


async def test_who_gives_up_gives_up_both() -> None:
    ended: list[str] = []
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await both(for_ever(ended), for_ever(ended))
    assert ended == ["the other"] * 2
