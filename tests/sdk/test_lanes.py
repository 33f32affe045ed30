import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsm.sdk.lanes import Lanes

pytestmark = pytest.mark.looptime


async def test_one_key_is_first_come_first_served_and_keys_do_not_wait_for_each_other() -> None:
    lanes, done = Lanes(), []

    async def work(key: str, name: str, seconds: float) -> None:
        async with lanes.enter(key):
            await asyncio.sleep(seconds)
            done.append(name)

    async with asyncio.TaskGroup() as tasks:
        for key, name, seconds in [("a", "a1", 3), ("a", "a2", 1), ("b", "b1", 2)]:
            tasks.create_task(work(key, name, seconds))
    assert done == ["b1", "a1", "a2"]
    assert len(lanes) == 0


async def test_a_failure_frees_the_lane() -> None:
    lanes = Lanes()
    with pytest.raises(ValueError, match="odd"):
        async with lanes.enter("a"):
            raise ValueError("odd")
    async with asyncio.timeout(1), lanes.enter("a"):
        assert len(lanes) == 1
    assert len(lanes) == 0


async def test_who_gives_up_waiting_keeps_nobody_waiting() -> None:
    lanes, done = Lanes(), []

    async def work(name: str) -> None:
        async with lanes.enter("a"):
            await asyncio.sleep(1)
            done.append(name)

    first, second, third = (asyncio.create_task(work(name)) for name in ("1", "2", "3"))
    await asyncio.sleep(0.5)
    second.cancel()
    await asyncio.gather(first, second, third, return_exceptions=True)
    assert done == ["1", "3"]
    assert len(lanes) == 0


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.booleans()), min_size=1, max_size=30
    )
)
async def test_whoever_gives_up_each_key_is_served_alone_and_in_order(
    plan: list[tuple[str, int, bool]],
) -> None:
    lanes = Lanes()
    inside: set[str] = set()
    served: dict[str, list[int]] = {}

    async def work(number: int, key: str, steps: int) -> None:
        async with lanes.enter(key):
            assert key not in inside
            inside.add(key)
            try:
                served.setdefault(key, []).append(number)
                for _ in range(steps):
                    await asyncio.sleep(0)
            finally:
                inside.remove(key)

    tasks = [asyncio.create_task(work(i, key, n)) for i, (key, n, _) in enumerate(plan)]
    await asyncio.sleep(0)
    for task, (_, _, gives_up) in zip(tasks, plan, strict=True):
        if gives_up:
            task.cancel()
            await asyncio.sleep(0)
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert not [result for result in results if isinstance(result, AssertionError)]
    assert all(numbers == sorted(numbers) for numbers in served.values())
    assert len(lanes) == 0
