import asyncio

import pytest

from nsm.api.connection import Connection
from nsm.errors import Denied, Unreachable
from nsm.sdk import Call, closing_on_error
from nsm.sdk.closing import GRACE
from nsm.sdk.testing import Recorder

pytestmark = pytest.mark.looptime

CONN = Connection("c")


class SlowToClose(Recorder):
    seconds = 1.0

    async def close(self, call: Call, conn: Connection) -> None:
        await asyncio.sleep(self.seconds)
        self.heard.append(("close", conn))


class Unclosable(Recorder):
    async def close(self, call: Call, conn: Connection) -> None:
        raise Unreachable("gone")


async def test_what_went_well_is_not_closed() -> None:
    end = Recorder()
    async with closing_on_error(end, Call(), CONN):
        pass
    assert end.heard == []


async def test_a_failure_closes_and_goes_on() -> None:
    end = Recorder()
    with pytest.raises(Denied):
        async with closing_on_error(end, Call(), CONN):
            raise Denied("no")
    assert end.verbs == ["close c"]


@pytest.mark.parametrize("cancels", [1, 2])
async def test_a_cancelled_request_still_undoes_what_it_did(cancels: int) -> None:
    end = SlowToClose()

    async def asking() -> None:
        async with closing_on_error(end, Call(), CONN):
            await asyncio.sleep(60)

    task = asyncio.create_task(asking())
    for _ in range(cancels):
        await asyncio.sleep(0.5)
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(2)
    assert end.verbs == ["close c"]


@pytest.mark.parametrize("goes_on", [True, False])
async def test_what_stood_before_is_not_closed_because_its_asker_gave_up(goes_on: bool) -> None:
    end = Recorder()

    async def asking() -> None:
        async with closing_on_error(end, Call(goes_on=goes_on), CONN):
            await asyncio.sleep(60)

    task = asyncio.create_task(asking())
    await asyncio.sleep(0.5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert end.verbs == ([] if goes_on else ["close c"])


async def test_what_stood_before_and_cannot_be_had_is_closed() -> None:
    end = Recorder()
    with pytest.raises(Denied):
        async with closing_on_error(end, Call(goes_on=True), CONN):
            raise Denied("no")
    assert end.verbs == ["close c"]


async def test_a_failing_undo_does_not_hide_what_failed_first() -> None:
    with pytest.raises(Denied):
        async with closing_on_error(Unclosable(), Call(), CONN):
            raise Denied("no")


async def test_an_undo_that_hangs_is_waited_for_only_so_long() -> None:
    end = SlowToClose()
    end.seconds = 10 * GRACE
    with pytest.raises(Denied):
        async with closing_on_error(end, Call(), CONN):
            raise Denied("no")
    assert asyncio.get_running_loop().time() == GRACE


async def test_an_undo_has_time_even_when_the_request_has_none_left() -> None:
    class Timed(Recorder):
        async def close(self, call: Call, conn: Connection) -> None:
            left.append((call.deadline or 0) - asyncio.get_running_loop().time())

    left: list[float] = []
    with pytest.raises(Denied):
        async with closing_on_error(Timed(), Call(deadline=-1.0), CONN):
            raise Denied("too late anyway")
    assert left == [GRACE]
