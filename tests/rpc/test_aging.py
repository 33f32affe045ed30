"""How connections end before their certificates do."""

import asyncio
from dataclasses import replace

import pytest

from nsm.api.connection import Connection, Request
from nsm.api.monitoring import Selector
from nsm.errors import Unreachable
from nsm.rpc import serve
from nsm.rpc.aging import GOODBYE, Aging, Side
from nsm.sdk import Call, Clock, Offer
from nsm.sdk.clock import LoopClock
from nsm.sdk.testing import Recorder

ASKED = Request(Connection(id="c1"))


class Diary:
    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.rang: dict[str, float] = {}

    def wind(self, aging: Aging) -> None:
        aging.begin(*(lambda name=name: self.note(name) for name in ("retire", "part", "over")))

    def note(self, name: str) -> None:
        self.rang[name] = self.clock.ticks()


@pytest.mark.looptime
@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(
    ("left", "dialed", "accepted"), [(3600, (120, 180), (60, 120)), (10, (2, 3), (1, 2))]
)
async def test_who_dialed_lets_go_first_and_both_before_the_end(chance, left, dialed, accepted):
    for side, (least, most) in ((Side.DIALED, dialed), (Side.ACCEPTED, accepted)):
        clock = LoopClock()
        diary, begun = Diary(clock), clock.ticks()
        diary.wind(Aging(clock, clock.now() + left, side, lambda: chance))
        await asyncio.sleep(left + 1)
        at = {name: left - (when - begun) for name, when in diary.rang.items()}
        assert at["retire"] == pytest.approx(least + (most - least) * chance, abs=0.01)
        assert at["part"] == pytest.approx(min(at["retire"] / 2, GOODBYE), abs=0.01)
        assert at["over"] == pytest.approx(0, abs=0.01)


@pytest.mark.looptime
async def test_what_has_ended_already_ends_at_once_and_what_never_ends_never():
    clock = LoopClock()
    late, never = Diary(clock), Diary(clock)
    late.wind(Aging(clock, clock.now() - 5, Side.DIALED))
    never.wind(Aging(clock, float("inf"), Side.DIALED))
    await asyncio.sleep(0.01)
    assert set(late.rang) == {"retire", "part", "over"}
    await asyncio.sleep(1e6)
    assert not never.rang


@pytest.mark.looptime
async def test_a_connection_that_ended_by_itself_is_not_rung_for():
    clock = LoopClock()
    diary = Diary(clock)
    aging = Aging(clock, clock.now() + 10, Side.DIALED)
    diary.wind(aging)
    aging.cancel()
    await asyncio.sleep(20)
    assert not diary.rang


class Slow(Recorder):
    """Answers after a while."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    async def request(self, call, request):
        await asyncio.sleep(self.seconds)
        return await super().request(call, request)


@pytest.fixture
def url(tmp_path):
    return f"unix://{tmp_path}/s"


async def test_new_calls_go_over_a_new_channel_while_those_on_the_old_one_end_in_peace(
    url, pool, client_identity, server_identity, until
):
    server = await serve(Offer(connections=Slow(0.6)), [url], server_identity, server_identity)
    client_identity.not_after = Clock().now() + 1.0
    old = await pool.dial(url)
    await asyncio.sleep(0.4)
    running = asyncio.ensure_future(old.connections.request(Call(), ASKED))
    await until(lambda: not old.usable)
    client_identity.not_after = Clock().now() + 60
    new = await pool.dial(url)
    assert new is not old
    assert await new.connections.request(Call(), ASKED)
    with pytest.raises(Unreachable):
        await running  # it took longer than the certificate lasts
    await until(lambda: len(server) == 1)
    await server.close(0)


@pytest.mark.parametrize("whose", ["client", "server"])
async def test_no_connection_outlives_either_leaf_also_when_streams_never_end(
    whose, url, pool, client_identity, server_identity, until
):
    class Forever:
        async def watch(self, call, selector):
            await asyncio.Event().wait()
            yield

    identity = {"client": client_identity, "server": server_identity}[whose]
    identity.not_after = Clock().now() + 0.5
    server = await serve(Offer(monitor=Forever()), [url], server_identity, server_identity)
    channel = await pool.dial(url)
    with pytest.raises(Unreachable):
        async for _ in channel.monitor.watch(Call(), Selector()):
            pass
    await until(lambda: len(server) == 0)
    assert Clock().now() < identity.not_after + 0.3
    assert not channel.usable
    await server.close(0)


async def test_the_peers_leaf_counts_too(url, pool, client_identity, server_identity, until):
    verify, end = client_identity.verify, Clock().now() + 0.5

    def short(chain):
        return replace(verify(chain), not_after=end)

    client_identity.verify = short
    server = await serve(Offer(connections=Recorder()), [url], server_identity, server_identity)
    channel = await pool.dial(url)
    assert await channel.connections.request(Call(), ASKED)
    await until(lambda: not channel.usable)
    assert Clock().now() < end
    await server.close(0)
