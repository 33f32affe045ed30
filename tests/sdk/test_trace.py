import logging

import pytest

from nsm.api.connection import Connection, Request
from nsm.errors import Denied
from nsm.sdk import END, Call, Element, Handler, chain
from nsm.sdk.testing import Recorder

ASKED = Request(Connection("c"))


class Refuse(Element):
    async def close(self, call: Call, conn: Connection, next: Handler) -> None:
        raise Denied("no")


async def test_at_debug_level_every_link_says_what_it_is_asked(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "nsm.chain")
    entry = chain(Element(), Element()).bind(END)
    await entry.request(Call(), ASKED)
    await entry.close(Call(), ASKED.connection)
    assert caplog.messages == ["Element.request c"] * 2 + ["Element.close c"] * 2


async def test_the_log_level_changes_what_is_said_and_nothing_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stories = []
    for level in (logging.DEBUG, logging.CRITICAL):
        caplog.set_level(level, "nsm.chain")
        end = Recorder()
        entry = chain(Element(), Element()).bind(end)
        answer = await entry.request(Call(to="x"), ASKED)
        stories.append((answer, end.verbs, end.calls))
    assert stories[0] == stories[1]


async def test_a_failed_close_carries_its_way_too() -> None:
    with pytest.raises(Denied) as caught:
        await chain(Element(), Refuse()).bind(END).close(Call(), ASKED.connection)
    assert caught.value.__notes__ == ["in Refuse.close of c", "in Element.close of c"]
