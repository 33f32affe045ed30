import asyncio

import pytest
from tests.leaving import ending_tasks

from nsm.api.connection import Connection, Path, Request, Segment
from nsm.api.timestamp import Timestamp
from nsm.elements.lifecycle import BeginClient, Refresh
from nsm.errors import Unreachable
from nsm.sdk import Call, Element, Handler, chain
from nsm.sdk.clock import LoopClock
from nsm.sdk.convoy import Convoy
from nsm.sdk.testing import Recorder

pytestmark = pytest.mark.looptime


class Signed(Element):
    """Answers with a path whose tokens are good for so many seconds each."""

    def __init__(self, *seconds: float | None, index: int = 0) -> None:
        self.seconds = seconds
        self.index = index

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        conn = await next.request(call, request)
        now = LoopClock().now()
        expires = [None if s is None else Timestamp.at(now + s) for s in self.seconds]
        segments = tuple(Segment(f"hop-{i}", conn.id, "", e) for i, e in enumerate(expires))
        return Connection(conn.id, path=Path(self.index, segments))


def start(signed: Signed) -> tuple[Handler, Recorder]:
    end, tasks, clock = Recorder(), ending_tasks(), LoopClock()
    return chain(BeginClient(tasks, clock), Refresh(tasks, Convoy(clock)), signed).bind(end), end


@pytest.mark.parametrize(
    ("signed", "when"),
    [
        (Signed(600), 200),
        (Signed(600, 900, 300, 600), 60),
        (Signed(600, 600, index=1), 180),
        (Signed(None, 600), 120),
    ],
    ids=["one hop: a third", "the shortest of four: a fifth", "later hops: later", "unknown"],
)
async def test_it_is_asked_for_again_in_time(signed: Signed, when: float) -> None:
    entry, end = start(signed)
    await entry.request(Call(), Request(Connection("c")))
    await asyncio.sleep(when - 0.1)
    assert end.verbs == ["request c"]
    await asyncio.sleep(0.2)
    assert end.verbs == ["request c"] * 2
    await asyncio.sleep(when)
    assert end.verbs == ["request c"] * 3


async def test_a_request_from_outside_moves_the_next_refresh() -> None:
    entry, end = start(Signed(600))
    await entry.request(Call(), Request(Connection("c")))
    await asyncio.sleep(150)
    await entry.request(Call(), Request(Connection("c")))
    await asyncio.sleep(199)
    assert end.verbs == ["request c"] * 2


async def test_a_failed_refresh_is_tried_again_ever_more_slowly_until_it_succeeds() -> None:
    entry, end = start(Signed(600))
    await entry.request(Call(), Request(Connection("c")))
    end.failing = Unreachable("no")
    await asyncio.sleep(201)
    soon = len(end.verbs)
    assert soon in (4, 5, 6)
    await asyncio.sleep(60)
    assert 60 / 5 <= len(end.verbs) - soon <= 60 / 2.5 + 5
    end.failing = None
    await asyncio.sleep(10)
    done = len(end.verbs)
    await asyncio.sleep(180)
    assert len(end.verbs) == done


async def test_what_is_closed_is_not_refreshed() -> None:
    entry, end = start(Signed(600))
    conn = await entry.request(Call(), Request(Connection("c")))
    await entry.close(Call(), conn)
    await asyncio.sleep(3600)
    assert end.verbs == ["request c", "close c"]


async def test_what_never_stood_is_not_refreshed() -> None:
    entry, end = start(Signed(600))
    end.failing = Unreachable("no")
    with pytest.raises(Unreachable):
        await entry.request(Call(), Request(Connection("c")))
    await asyncio.sleep(3600)
    assert end.verbs == ["request c"]


async def test_tokens_that_have_always_run_out_do_not_make_a_storm() -> None:
    entry, end = start(Signed(-100))
    await entry.request(Call(), Request(Connection("c")))
    await asyncio.sleep(100)
    assert 20 <= len(end.verbs) <= 50


async def test_without_any_expiry_there_is_nothing_to_refresh() -> None:
    entry, end = start(Signed(None, None))
    await entry.request(Call(), Request(Connection("c")))
    await asyncio.sleep(36_000)
    assert end.verbs == ["request c"]
