from dataclasses import replace

import pytest

from nsm.api.connection import Connection, Request
from nsm.elements.lifecycle import Begin
from nsm.elements.reach import Connect
from nsm.errors import Denied, Unreachable
from nsm.sdk import Call, Clock, Tasks, chain
from nsm.sdk.testing import Recorder

ASKED = Request(Connection("c"))


class Onward(Recorder):
    async def request(self, call: Call, request: Request) -> Connection:
        return replace(await super().request(call, request), payload="from onward")

    async def close(self, call: Call, conn: Connection) -> None:
        await super().close(call, conn)
        if self.failing:
            raise self.failing


async def test_our_own_part_starts_with_what_was_reached() -> None:
    end = Recorder()
    await Connect(Onward()).bind(end).request(Call(), ASKED)
    assert end.requests[0].connection == Connection("c", payload="from onward")


async def test_what_was_reached_is_let_go_when_the_rest_of_the_chain_fails() -> None:
    onward, end = Onward(), Recorder(failing=Denied("no"))
    with pytest.raises(Denied):
        await Connect(onward).bind(end).request(Call(), ASKED)
    assert onward.heard[-1] == ("close", Connection("c", payload="from onward"))


async def test_what_stood_before_is_kept_when_a_refresh_fails() -> None:
    onward, end = Onward(), Recorder()
    entry = chain(Begin(Tasks(), Clock()), Connect(onward)).bind(end)
    await entry.request(Call(), ASKED)
    end.failing = Denied("no")
    with pytest.raises(Denied):
        await entry.request(Call(), ASKED)
    assert onward.verbs == ["request c", "request c"]


async def test_what_was_not_reached_is_not_gone_on_with() -> None:
    end = Recorder()
    with pytest.raises(Unreachable):
        await Connect(Onward(failing=Unreachable("no"))).bind(end).request(Call(), ASKED)
    assert end.heard == []


async def test_a_close_reaches_both_sides_even_if_one_fails() -> None:
    end, onward = Recorder(), Onward(failing=Unreachable("no"))
    with pytest.raises(Unreachable):
        await Connect(onward).bind(end).close(Call(), Connection("c"))
    assert (onward.verbs, end.verbs) == (["close c"], ["close c"])
