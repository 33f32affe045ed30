"""Leaving a stream of answers on purpose."""

from collections.abc import AsyncIterator

import pytest

from nsm.sdk.streams import reading


class Source:
    """A stream that knows whether it was left."""

    def __init__(self) -> None:
        self.left = False

    async def stream(self) -> AsyncIterator[int]:
        try:
            for number in range(3):
                yield number
        finally:
            self.left = True


async def test_a_stream_is_closed_when_its_reader_has_had_enough() -> None:
    source = Source()
    async with reading(source.stream()) as numbers:
        assert await anext(numbers) == 0
        assert not source.left
    assert source.left


async def test_a_stream_is_closed_when_its_reader_fails() -> None:
    source = Source()

    async def fail() -> None:
        async with reading(source.stream()) as numbers:
            await anext(numbers)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert source.left


async def test_closing_goes_through_to_what_stands_behind() -> None:
    source = Source()

    async def relayed() -> AsyncIterator[int]:
        async with reading(source.stream()) as numbers:
            async for number in numbers:
                yield number

    async with reading(relayed()) as numbers:
        await anext(numbers)
    assert source.left


async def test_what_cannot_be_closed_is_read_all_the_same() -> None:
    class Plain:
        def __aiter__(self) -> "Plain":
            return self

        async def __anext__(self) -> int:
            raise StopAsyncIteration

    async with reading(Plain()) as numbers:
        assert [number async for number in numbers] == []
