import asyncio

import pytest
from tests.leaving import ending_tasks

from nsm.api.connection import REFRESH_REQUESTED, Connection, Path, Request, Segment
from nsm.elements.lifecycle import BeginClient, FollowUpstream
from nsm.errors import Unreachable
from nsm.sdk import Call, Element, Handler, Peer, chain
from nsm.sdk.clock import LoopClock
from nsm.sdk.events import Events
from nsm.sdk.testing import Recorder
from nsm.sdk.watching import Watching

pytestmark = pytest.mark.looptime

OURS = Connection("nsc-0", path=Path(0, (Segment("nsc", "nsc-0"),)))


def theirs(state: int = 0) -> Connection:
    path = Path(1, (Segment("nsc", "nsc-0"), Segment("nm", "nm-1")))
    return Connection("nm-1", path=path, state=state)


class Onward(Element):
    """Goes on to a next hop that announces what succeeded, and then says `also`."""

    def __init__(self) -> None:
        self.peer = Peer("spiffe://test/nm")
        self.monitor = Events()
        self.also: Connection | None = None

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        call.life.channel = self
        conn = await next.request(call, request)
        self.monitor.publish(theirs())
        if self.also:
            self.monitor.publish(self.also)
            self.also = None
        await asyncio.sleep(0.01)
        return conn


def start() -> tuple[Handler, Onward, Recorder]:
    end, tasks, clock, onward = Recorder(), ending_tasks(), LoopClock(), Onward()
    follow = FollowUpstream(Watching("nsc", tasks, clock))
    return chain(BeginClient(tasks, clock), follow, onward).bind(end), onward, end


async def test_a_next_hop_that_asks_for_it_is_asked_again() -> None:
    entry, onward, end = start()
    await entry.request(Call(), Request(OURS))
    await asyncio.sleep(1)
    onward.monitor.publish(theirs(REFRESH_REQUESTED))
    await asyncio.sleep(1)
    assert end.verbs == ["request nsc-0"] * 2


async def test_being_asked_before_the_answer_counts_too() -> None:
    entry, onward, end = start()
    await entry.request(Call(), Request(OURS))
    await asyncio.sleep(1)
    onward.also = theirs(REFRESH_REQUESTED)
    await entry.request(Call(), Request(OURS))
    await asyncio.sleep(1)
    assert end.verbs == ["request nsc-0"] * 3


async def test_after_a_refresh_that_failed_it_listens_on() -> None:
    entry, onward, end = start()
    await entry.request(Call(), Request(OURS))
    await asyncio.sleep(1)
    end.failing = Unreachable("no")
    with pytest.raises(Unreachable):
        await entry.request(Call(), Request(OURS))
    end.failing = None
    onward.monitor.publish(theirs(REFRESH_REQUESTED))
    await asyncio.sleep(1)
    assert end.verbs == ["request nsc-0"] * 3


async def test_after_a_close_nobody_follows() -> None:
    entry, onward, end = start()
    conn = await entry.request(Call(), Request(OURS))
    await asyncio.sleep(1)
    await entry.close(Call(), conn)
    onward.monitor.publish(theirs(REFRESH_REQUESTED))
    await asyncio.sleep(1)
    assert end.verbs == ["request nsc-0", "close nsc-0"]


def named(id: str, state: int = 0) -> Connection:
    """The connection of that id as the next hop has it."""
    path = Path(1, (Segment("nsc", id), Segment("nm", f"at-{id}")))
    return Connection(f"at-{id}", path=path, state=state)


class Several(Onward):
    """The same for connections of any id."""

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        call.life.channel = self
        conn = await next.request(call, request)
        self.monitor.publish(named(conn.id))
        return conn


@pytest.mark.parametrize("together", [True, False])
async def test_others_follow_one_that_was_asked_where_they_are_to_and_not_each_other(
    together: bool,
) -> None:
    end, tasks, clock, onward = Recorder(), ending_tasks(), LoopClock(), Several()
    follow = FollowUpstream(Watching("nsc", tasks, clock), together=together)
    entry = chain(BeginClient(tasks, clock), follow, onward).bind(end)
    for id in "abc":
        path = Path(0, (Segment("nsc", id),))
        conn = await entry.request(Call(), Request(Connection(id, path=path)))
    await entry.close(Call(), conn)
    assert len(follow.all) == 2
    await asyncio.sleep(1)
    before = len(end.verbs)
    for _ in range(2):
        onward.monitor.ask_again(named("a"))
        await asyncio.sleep(5)
    assert end.verbs[before:] == ["request a", *["request b"] * together] * 2
