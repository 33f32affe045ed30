"""Leaving a stream of answers on purpose, and not when the garbage collector gets to it."""

from collections.abc import AsyncIterator
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")


class reading(Generic[T]):
    """Whatever way the block is left, the stream is closed, and with it what stands behind it."""

    __slots__ = ("stream",)

    def __init__(self, stream: AsyncIterator[T]) -> None:
        self.stream = stream

    async def __aenter__(self) -> AsyncIterator[T]:
        return self.stream

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        close = getattr(
            self.stream, "aclose", None
        )  # generators have one, plain iterators need none
        if close is not None:
            await close()
