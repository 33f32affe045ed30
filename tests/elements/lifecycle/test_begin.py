import asyncio
from dataclasses import replace

import pytest

from nsm.api.connection import RESELECT_REQUESTED, UP, Connection, Path, Request, Segment
from nsm.elements.lifecycle import Begin
from nsm.errors import Denied, Invalid, Unreachable
from nsm.sdk import Call, Element, Handler, Life, Peer, Slot, Tasks, chain
from nsm.sdk.clock import LoopClock
from nsm.sdk.lives import FAREWELL
from nsm.sdk.testing import Recorder

pytestmark = pytest.mark.looptime


class Slow(Element):
    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        await asyncio.sleep(1)
        return await next.request(call, request)


class Keep(Element):
    """Keeps the lives it saw."""

    def __init__(self) -> None:
        self.lives: list[Life] = []

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        self.lives.append(call.life)
        return await next.request(call, request)


def begin() -> Begin:
    return Begin(Tasks(), LoopClock())


def asked(id: str = "c", **fields: object) -> Request:
    return Request(replace(Connection(id), **fields))


async def test_events_of_one_connection_happen_one_after_another_in_order() -> None:
    end = Recorder()
    entry = chain(begin(), Slow()).bind(end)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(entry.request(Call(), asked(payload="1")))
        tasks.create_task(entry.request(Call(), asked(payload="2")))
        tasks.create_task(entry.close(Call(), Connection("c")))
    told = [(verb, conn.payload) for verb, conn in end.heard]
    assert told == [("request", "1"), ("request", "2"), ("close", "2")]


@pytest.mark.parametrize(("closer", "verbs"), [("nm-1", 2), ("nm-2", 3), ("", 3)])
async def test_a_close_counts_only_from_the_hop_a_connection_comes_by(
    closer: str, verbs: int
) -> None:
    end = Recorder()
    entry = chain(begin()).bind(end)

    def by(id: str) -> Connection:
        before = (Segment("nm", id),) if id else ()
        return Connection("c", path=Path(len(before), (*before, Segment("fwd", "c"))))

    for id in ("nm-1", "nm-2"):
        await entry.request(Call(), Request(by(id)))
    await entry.close(Call(), by(closer))
    assert len(end.heard) == verbs


async def test_never_are_two_events_of_one_connection_under_way_at_once() -> None:
    class Alone(Element):
        inside = 0

        async def request(self, call: Call, request: Request, next: Handler) -> Connection:
            self.inside += 1
            assert self.inside == 1
            await asyncio.sleep(0.01 * (len(end.heard) % 3))
            self.inside -= 1
            return await next.request(call, request)

        async def close(self, call: Call, conn: Connection, next: Handler) -> None:
            await self.request(call, Request(conn), next)

    end, keep = Recorder(), Keep()
    entry = chain(begin(), keep, Alone()).bind(end)
    async with asyncio.TaskGroup() as tasks:
        for number in range(300):
            if number % 7 == 3:
                tasks.create_task(entry.close(Call(), Connection("c")))
            else:
                tasks.create_task(entry.request(Call(), asked(payload=str(number))))
            if keep.lives and number % 11 == 0:
                keep.lives[-1].refresh_soon()
            await asyncio.sleep(0.005 * (number % 2))
    assert len(end.heard) > 250


async def test_connections_do_not_wait_for_each_other(looptime: float) -> None:
    entry = chain(begin(), Slow()).bind(Recorder())
    await asyncio.gather(*(entry.request(Call(), asked(name)) for name in "abc"))
    assert looptime == 1


async def test_a_connection_without_an_id_is_refused() -> None:
    with pytest.raises(Invalid):
        await chain(begin()).bind(Recorder()).request(Call(), asked(""))


async def test_a_close_of_something_unknown_goes_no_further() -> None:
    end = Recorder()
    await chain(begin()).bind(end).close(Call(), Connection("never-heard-of"))
    assert end.heard == []


async def test_what_is_closed_is_what_was_last_answered() -> None:
    end = Recorder()
    entry = chain(begin()).bind(end)
    await entry.request(Call(), asked(payload="truth"))
    await entry.close(Call(), Connection("c", payload="hearsay"))
    await entry.close(Call(), Connection("c"))
    assert [(verb, conn.payload) for verb, conn in end.heard[1:]] == [("close", "truth")]


async def test_a_first_request_that_fails_leaves_no_life() -> None:
    first, end = begin(), Recorder(failing=Unreachable("no"))
    entry = chain(first).bind(end)
    with pytest.raises(Unreachable):
        await entry.request(Call(), asked())
    await entry.close(Call(), Connection("c"))
    assert (end.verbs, len(first.lives)) == (["request c"], 0)


async def test_a_refresh_that_fails_keeps_what_stands() -> None:
    end = Recorder()
    entry = chain(begin()).bind(end)
    await entry.request(Call(), asked(payload="old"))
    end.failing = Unreachable("no")
    with pytest.raises(Unreachable):
        await entry.request(Call(), asked(payload="new"))
    await entry.close(Call(), Connection("c"))
    assert end.heard[-1] == ("close", Connection("c", payload="old"))


async def test_a_success_is_up_whatever_came_back() -> None:
    answer = await chain(begin()).bind(Recorder()).request(Call(), asked(state=3))
    assert answer.state == UP


async def test_fired_events_use_the_peer_of_the_last_request_that_succeeded() -> None:
    end, keep = Recorder(), Keep()
    entry = chain(begin(), keep).bind(end)
    await entry.request(Call(peer=Peer("first")), asked())
    await entry.request(Call(peer=Peer("second")), asked())
    end.failing = Denied("no")
    with pytest.raises(Denied):
        await entry.request(Call(peer=Peer("stranger")), asked())
    end.failing = None
    await keep.lives[0].again(None)
    assert end.calls[-1].peer == Peer("second")


async def test_fired_events_get_as_much_time_as_the_request_had(looptime: float) -> None:
    end, keep = Recorder(), Keep()
    entry = chain(begin(), keep, Slow()).bind(end)
    await entry.request(Call(deadline=7.0), asked())
    await asyncio.sleep(99)
    await keep.lives[0].again(None)
    assert end.calls[-1].deadline == 100 + 7


async def test_a_life_that_is_over_cannot_end_the_next_one() -> None:
    end, keep = Recorder(), Keep()
    entry = chain(begin(), keep).bind(end)
    conn = await entry.request(Call(), asked())
    await entry.close(Call(), conn)
    await entry.request(Call(), asked())
    keep.lives[0].close_soon()
    keep.lives[0].refresh_soon()
    keep.lives[1].refresh_soon()
    await asyncio.sleep(1)
    assert end.verbs == ["request c", "close c", "request c", "request c"]


async def test_a_close_fired_at_an_answer_spares_a_later_one() -> None:
    end, keep = Recorder(), Keep()
    entry = chain(begin(), keep, Slow()).bind(end)
    await entry.request(Call(), asked())
    refresh = asyncio.create_task(entry.request(Call(), asked()))
    await asyncio.sleep(0.5)
    keep.lives[0].close_soon()
    await refresh
    await asyncio.sleep(1)
    assert end.verbs == ["request c", "request c"]
    keep.lives[0].close_soon()
    await asyncio.sleep(1)
    assert end.verbs[2:] == ["close c"]


async def test_reselecting_closes_what_stands_and_starts_with_an_empty_life() -> None:
    class Once(Element):
        slot = Slot[str]()

        async def request(self, call: Call, request: Request, next: Handler) -> Connection:
            assert self.slot.get(call) is None
            self.slot.put(call, "was here")
            return await next.request(call, request)

    end = Recorder()
    entry = chain(begin(), Once()).bind(end)
    await entry.request(Call(), asked(payload="old"))
    await entry.request(Call(), asked(payload="new", state=RESELECT_REQUESTED))
    told = [(verb, conn.payload) for verb, conn in end.heard]
    assert told == [("request", "old"), ("close", "old"), ("request", "new")]


async def test_a_close_that_hangs_does_not_keep_a_reselect_waiting_for_long() -> None:
    class Hang(Element):
        async def close(self, call: Call, conn: Connection, next: Handler) -> None:
            await asyncio.sleep(60)

    end = Recorder()
    entry = chain(begin(), Hang()).bind(end)
    await entry.request(Call(deadline=15.0), asked())
    await entry.request(Call(deadline=15.0), asked(state=RESELECT_REQUESTED))
    assert asyncio.get_running_loop().time() == FAREWELL
    assert end.verbs == ["request c", "request c"]


async def test_nothing_rings_any_more_for_what_was_left_half_closed() -> None:
    """Whoever is to be left may be dead, and its close hangs; its life ends all the same."""

    class Ring(Element):
        rung, slot = 0, Slot[object]()

        async def request(self, call: Call, request: Request, next: Handler) -> Connection:
            if not self.slot.get(call):
                self.slot.put(call, LoopClock().after(60, self.ring))
            return await next.request(call, request)

        async def close(self, call: Call, conn: Connection, next: Handler) -> None:
            await asyncio.sleep(1000)

        def ring(self) -> None:
            self.rung += 1

    ring = Ring()
    entry = chain(begin(), ring).bind(Recorder())
    await entry.request(Call(), asked())
    await entry.request(Call(), asked(state=RESELECT_REQUESTED))
    await asyncio.sleep(100)
    assert ring.rung == 1, "that of the new life"


async def test_a_reselect_that_fails_leaves_nothing_to_close() -> None:
    first, end = begin(), Recorder()
    entry = chain(first).bind(end)
    await entry.request(Call(), asked())
    end.failing = Unreachable("no")
    with pytest.raises(Unreachable):
        await entry.request(Call(), asked(state=RESELECT_REQUESTED))
    assert (end.verbs, len(first.lives)) == (["request c", "close c", "request c"], 0)


class Refuse(Element):
    """Serves the owner and nobody else."""

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        if call.peer != Peer("owner"):
            raise Denied("not yours")
        return await next.request(call, request)

    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        if call.peer != Peer("owner"):
            raise Denied("not yours")
        await next.close(call, conn)


async def test_a_stranger_cannot_have_a_connection_selected_anew() -> None:
    end = Recorder()
    entry = chain(begin(), Refuse()).bind(end)
    await entry.request(Call(peer=Peer("owner")), asked())
    with pytest.raises(Denied):
        await entry.request(Call(peer=Peer("stranger")), asked(state=RESELECT_REQUESTED))
    await entry.close(Call(peer=Peer("owner")), Connection("c"))
    assert end.verbs == ["request c", "close c"]


async def test_a_close_that_was_refused_leaves_the_connection_standing() -> None:
    end = Recorder()
    entry = chain(begin(), Refuse()).bind(end)
    await entry.request(Call(peer=Peer("owner")), asked())
    with pytest.raises(Denied):
        await entry.close(Call(peer=Peer("stranger")), Connection("c"))
    await entry.close(Call(peer=Peer("owner")), Connection("c"))
    assert end.verbs == ["request c", "close c"]


async def test_awaiting_again_inside_a_request_says_so_and_does_not_hang() -> None:
    class Careless(Element):
        async def request(self, call: Call, request: Request, next: Handler) -> Connection:
            await call.life.again(None)
            return await next.request(call, request)

    with pytest.raises(RuntimeError, match="refresh_soon"):
        await chain(begin(), Careless()).bind(Recorder()).request(Call(), asked())


async def test_a_chain_behind_a_chain_shares_its_life() -> None:
    keep = Keep()
    entry = chain(begin(), keep, begin(), keep).bind(Recorder())
    await entry.request(Call(), asked())
    assert keep.lives[0] is keep.lives[1]
