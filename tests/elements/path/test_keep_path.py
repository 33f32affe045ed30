import pytest

from nsm.api.connection import Connection, Path, Request, Segment
from nsm.elements.lifecycle import Begin
from nsm.elements.path import KeepPath, TrimPath
from nsm.errors import Unreachable
from nsm.sdk import Call, Clock, Element, Handler, Link, Tasks, chain
from nsm.sdk.testing import Recorder

LONG = Request(Connection("x", path=Path(0, (Segment("a"), Segment("b")))))


class Sometimes(Element):
    """Goes on to the next hop only when told."""

    def __init__(self, onward: Link[Handler]) -> None:
        self.onward = onward
        self.on = True

    async def request(self, call: Call, request: Request, next: Handler) -> Connection:
        further = self.onward.bind(next) if self.on else next
        return await further.request(call, request)


async def test_every_request_says_for_itself_whether_the_path_goes_on() -> None:
    sometimes = Sometimes(KeepPath())
    entry = chain(Begin(Tasks(), Clock()), TrimPath(), sometimes).bind(Recorder())
    assert len((await entry.request(Call(), LONG)).hops.segments) == 2
    sometimes.on = False
    assert len((await entry.request(Call(), LONG)).hops.segments) == 1


async def test_a_hop_that_failed_is_not_part_of_the_path() -> None:
    end = Recorder()
    entry = chain(Begin(Tasks(), Clock()), TrimPath(), KeepPath()).bind(end)
    end.failing = Unreachable("no")
    with pytest.raises(Unreachable):
        await entry.request(Call(), LONG)
