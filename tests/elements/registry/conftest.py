"""A clock that moves with the loop, tasks that end with the test, and a way to read a stream."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from nsm.api.registration import Answer, Endpoint
from nsm.sdk import Tasks
from nsm.sdk.clock import LoopClock
from nsm.sdk.streams import reading


@pytest.fixture
def clock() -> LoopClock:
    return LoopClock()


@pytest_asyncio.fixture
async def tasks() -> AsyncIterator[Tasks]:
    tasks = Tasks()
    yield tasks
    await tasks.stop()


class Heard(list[str]):
    """What a stream has said so far: "name url", with a minus before what is gone."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[Answer[Endpoint]] = []
        self.error: Exception | None = None
        self.task: asyncio.Task[None] | None = None

    async def read(self, stream: AsyncIterator[Answer[Endpoint]]) -> None:
        try:
            async with reading(stream) as answers:
                async for answer in answers:
                    self.answers.append(answer)
                    url = getattr(answer.record, "url", "")
                    sign = "-" if answer.deleted else ""
                    self.append(f"{sign}{answer.record.name} {url}".strip())
        except Exception as error:
            self.error = error


@pytest_asyncio.fixture
async def listen(tasks: Tasks) -> Callable[[AsyncIterator[Answer[Endpoint]]], Heard]:
    def start(stream: AsyncIterator[Answer[Endpoint]]) -> Heard:
        heard = Heard()
        heard.task = tasks.start("listener", heard.read(stream))
        return heard

    return start


@pytest.fixture
def settle() -> Callable[[], object]:
    """Let everything that can happen now happen."""

    async def turns() -> None:
        for _ in range(20):
            await asyncio.sleep(0)

    return turns
