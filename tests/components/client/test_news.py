"""Who waits for a service hears when somebody registers for it."""

import asyncio

import pytest

from nsm.api.connection import Connection
from nsm.api.registration import Answer, Endpoint
from nsm.components.client.news import APART, LINGER, News
from nsm.errors import Unreachable
from nsm.sdk import Tasks
from nsm.sdk.clock import LoopClock

pytestmark = pytest.mark.looptime

ONE, OTHER = (Connection(id, network_service="svc") for id in ("web-0", "web-1"))
SERVING = Answer(Endpoint("nse", ("svc",)))


class Registry:
    """Both the way to a registry and the registry: tells its watchers what the test says."""

    def __init__(self) -> None:
        self.dead = False
        self.watchers: list[asyncio.Queue[Answer[Endpoint] | None]] = []
        self.dials = 0

    @property
    def endpoints(self):
        return self

    async def dial(self, url, timeout=None):
        self.dials += 1
        if self.dead:
            raise Unreachable("the manager is not there")
        return self

    async def find(self, call, query):
        assert query.watch
        queue = asyncio.Queue()
        self.watchers.append(queue)
        try:
            while answer := await queue.get():
                yield answer
        finally:
            self.watchers.remove(queue)

    def tell(self, answer: Answer[Endpoint] | None) -> None:
        for queue in self.watchers:
            queue.put_nowait(answer)


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
async def news(registry: Registry):
    tasks = Tasks()
    yield News(registry, "test://nm", LoopClock(), tasks)
    await tasks.stop()


async def test_a_registration_wakes_all_who_wait_and_each_once(registry, news) -> None:
    waiting = [asyncio.create_task(news(conn)) for conn in (ONE, OTHER)]
    await asyncio.sleep(1)
    assert not any(task.done() for task in waiting)
    registry.tell(SERVING)
    await asyncio.wait_for(asyncio.gather(*waiting), 0.01)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(news(ONE), 5)
    assert len(registry.watchers) == 1


async def test_many_registrations_are_few_changes_and_the_last_counts(registry, news) -> None:
    heard: list[float] = []
    loop = asyncio.get_running_loop()

    async def wait_for_ever() -> None:
        while True:
            await news(ONE)
            heard.append(loop.time())

    waiting = asyncio.create_task(wait_for_ever())
    await asyncio.sleep(1)
    began = loop.time()
    for _ in range(1000):  # fifty a second
        registry.tell(SERVING)
        await asyncio.sleep(0.02)
    last = loop.time()
    await asyncio.sleep(10)
    assert heard[0] - began < 0.01
    assert 20 / APART - 2 < len(heard) < 20 / APART + 3
    assert last - 0.02 <= heard[-1] <= last + APART
    waiting.cancel()


async def test_what_was_said_while_nobody_waited_is_not_missed(registry, news) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(news(ONE), 1)
    registry.tell(SERVING)
    await asyncio.sleep(1)
    await asyncio.wait_for(news(ONE), 0.01)


async def test_somebody_who_leaves_is_no_news(registry, news) -> None:
    waiting = asyncio.create_task(news(ONE))
    await asyncio.sleep(1)
    registry.tell(Answer(SERVING.record, deleted=True))
    await asyncio.sleep(1)
    assert not waiting.done()
    waiting.cancel()


async def test_a_manager_that_comes_back_is_listened_to_within_a_second(registry, news) -> None:
    registry.dead = True
    waiting = asyncio.create_task(news(ONE))
    await asyncio.sleep(60)
    assert registry.dials < 60 / 0.25
    registry.dead = False
    await asyncio.sleep(1)
    registry.tell(SERVING)
    await asyncio.sleep(0.01)
    assert waiting.done()


async def test_a_stream_that_always_ends_is_not_begun_without_pause(registry, news) -> None:
    waiting = asyncio.create_task(news(ONE))
    for _ in range(1000):
        await asyncio.sleep(0.01)
        registry.tell(None)
    assert registry.dials < 10 / 0.25 + 5
    waiting.cancel()


async def test_when_nobody_waits_nobody_listens(registry, news) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(news(ONE), 1)
    await asyncio.sleep(3 * LINGER)
    assert not registry.watchers
    assert not news.heard
