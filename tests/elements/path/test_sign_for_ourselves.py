import pytest

from nsm.api.connection import Connection, Path, Request, Segment
from nsm.elements.path import SignForOurselves
from nsm.sdk import Call
from nsm.sdk.clock import LoopClock
from nsm.sdk.testing import FakeTokens, Recorder

pytestmark = pytest.mark.looptime


@pytest.mark.parametrize("verb", ["request", "close"])
async def test_our_token_is_made_out_to_ourselves_and_no_other_is_touched(verb: str) -> None:
    end = Recorder()
    entry = SignForOurselves(FakeTokens("fw", LoopClock(), 600)).bind(end)
    before, own = Segment("fwd", token="fwd->fw"), Segment("fw", token="fw->fwd")
    after = Segment("x")
    conn = Connection("c", path=Path(1, (before, own, after)))
    if verb == "request":
        await entry.request(Call(), Request(conn))
    else:
        await entry.close(Call(), conn)
    seen = end.heard[0][1].hops.segments
    assert [segment.token for segment in seen] == ["fwd->fw", "fw->fw", ""]
