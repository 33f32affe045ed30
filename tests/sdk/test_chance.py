import asyncio
from random import Random
from uuid import UUID

from nsm.sdk import chance


def some() -> tuple[float, int, str]:
    return chance.fraction(), chance.bits(24), chance.new_id()


def test_what_was_sown_is_reaped_again() -> None:
    with chance.sown(Random(7)):
        first = some()
    with chance.sown(Random(7)):
        assert some() == first


def test_after_the_block_chance_is_the_systems_again() -> None:
    with chance.sown(Random(7)):
        first = some()
    assert some() != first


async def test_tasks_begun_within_go_on_reaping() -> None:
    async def later() -> str:
        await asyncio.sleep(0)
        return chance.new_id()

    with chance.sown(Random(7)):
        task = asyncio.create_task(later())
    with chance.sown(Random(7)):
        assert chance.new_id() == await task


def test_an_id_is_a_uuid_of_the_random_kind() -> None:
    assert UUID(chance.new_id()).version == 4
