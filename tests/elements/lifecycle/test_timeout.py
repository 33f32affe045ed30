import asyncio
from contextlib import nullcontext

import pytest

from nsm.api.connection import Connection, Path, Request, Segment
from nsm.api.timestamp import Timestamp
from nsm.elements.lifecycle import Begin, Timeout
from nsm.errors import Invalid, TooLate, Unreachable
from nsm.sdk import Call, Element, Handler, Tasks, chain
from nsm.sdk.clock import LoopClock
from nsm.sdk.testing import Recorder

pytestmark = pytest.mark.looptime


def request(seconds: float) -> Request:
    """Asked by someone whose token is good for so many seconds."""
    expires = Timestamp.at(LoopClock().now() + seconds)
    path = Path(1, (Segment("nsc", "a", expires=expires), Segment("nm", "c")))
    return Request(Connection("c", path=path))


def start(*between: Element) -> tuple[Handler, Recorder]:
    end, clock = Recorder(), LoopClock()
    return chain(Begin(Tasks(), clock), Timeout(clock), *between).bind(end), end


async def test_an_unrefreshed_connection_is_closed() -> None:
    entry, end = start()
    await entry.request(Call(), request(600))
    await asyncio.sleep(599)
    assert end.verbs == ["request c"]
    await asyncio.sleep(2)
    assert end.verbs == ["request c", "close c"]


async def test_it_is_closed_as_much_earlier_as_the_request_was_given_time() -> None:
    entry, end = start()
    await entry.request(Call(deadline=15.0), request(600))
    await asyncio.sleep(584.9)
    assert end.verbs == ["request c"]
    await asyncio.sleep(0.2)
    assert end.verbs == ["request c", "close c"]


async def test_a_token_that_lives_no_longer_than_a_request_may_take_is_good_for_a_while() -> None:
    entry, end = start()
    await entry.request(Call(deadline=15.0), request(10))
    await asyncio.sleep(7.4)
    assert end.verbs == ["request c"]
    await asyncio.sleep(0.2)
    assert end.verbs == ["request c", "close c"]


async def test_a_refresh_moves_the_alarm() -> None:
    entry, end = start()
    await entry.request(Call(), request(600))
    await asyncio.sleep(300)
    await entry.request(Call(), request(600))
    await asyncio.sleep(599)
    assert end.verbs == ["request c", "request c"]


async def test_an_alarm_that_rings_during_a_refresh_spares_what_was_refreshed() -> None:
    class Slow(Element):
        async def request(self, call: Call, request: Request, next: Handler) -> Connection:
            await asyncio.sleep(2)
            return await next.request(call, request)

    entry, end = start(Slow())
    await entry.request(Call(), request(10))
    await asyncio.sleep(7)
    await entry.request(Call(), request(600))
    await asyncio.sleep(300)
    assert end.verbs == ["request c", "request c"]


async def test_a_failed_refresh_leaves_the_alarm_where_it_was() -> None:
    entry, end = start()
    await entry.request(Call(), request(600))
    end.failing = Unreachable("no")
    with pytest.raises(Unreachable):
        await entry.request(Call(), request(6000))
    await asyncio.sleep(601)
    assert end.verbs[-1] == "close c"


@pytest.mark.parametrize(
    ("failure", "closes"), [(None, 1), (Unreachable("gone"), 1), (TooLate("slow"), 2)]
)
async def test_only_a_close_that_never_got_through_is_tried_again(
    failure: Exception | None, closes: int
) -> None:
    class FailOnce(Element):
        failing = failure

        async def close(self, call: Call, conn: Connection, next: Handler) -> None:
            await next.close(call, conn)
            failing, self.failing = self.failing, None
            if failing:
                raise failing

    entry, end = start(FailOnce())
    conn = await entry.request(Call(), request(600))
    with pytest.raises(type(failure)) if failure else nullcontext():
        await entry.close(Call(), conn)
    await asyncio.sleep(3600)
    assert end.verbs == ["request c", *["close c"] * closes]


async def test_an_asker_that_does_not_say_until_when_is_refused_before_anything_is_made() -> None:
    entry, end = start()
    path = Path(1, (Segment("nsc", "a"), Segment("nm", "c")))
    with pytest.raises(Invalid, match="expires"):
        await entry.request(Call(), Request(Connection("c", path=path)))
    assert end.heard == []


async def test_the_first_hop_waits_for_nobody() -> None:
    entry, end = start()
    await entry.request(Call(), Request(Connection("c", path=Path(0, (Segment("nsc", "c"),)))))
    await asyncio.sleep(10_000)
    assert end.verbs == ["request c"]
