from dataclasses import dataclass, field, replace

import pytest

from nsm.api.connection import Connection, Path, Request, Segment
from nsm.elements.reach import AskChannel
from nsm.errors import Invalid, Unreachable
from nsm.sdk import Call, Peer
from nsm.sdk.testing import Recorder

ASKED = Connection("b", path=Path(1, (Segment("nsc", "a"), Segment("nm", "b"))))
FURTHER = replace(ASKED.hops, segments=(*ASKED.hops.segments, Segment("fwd", "c")))


@dataclass
class Answering(Recorder):
    """Answers the same, whatever it is asked."""

    answer: Connection = field(default_factory=Connection)

    async def request(self, call: Call, request: Request) -> Connection:
        await super().request(call, request)
        return self.answer


@dataclass
class Way:
    """A `Channel` as far as connections go."""

    connections: Answering
    peer: Peer = field(default_factory=lambda: Peer("spiffe://test/fwd"))


async def test_the_peer_is_asked_and_nobody_after_it() -> None:
    peer, end = Answering(answer=replace(ASKED, path=FURTHER)), Recorder()
    handler = AskChannel().bind(end)
    answer = await handler.request(Call(channel=Way(peer)), Request(ASKED))
    await handler.close(Call(channel=Way(peer)), ASKED)
    assert answer.hops == FURTHER
    assert (peer.verbs, end.verbs) == (["request b", "close b"], [])


@pytest.mark.parametrize(
    "wrong",
    [
        replace(ASKED, id="c"),
        replace(ASKED, path=replace(ASKED.hops, index=0)),
        replace(ASKED, path=Path(1, ASKED.hops.segments[:1])),
        replace(ASKED, path=Path(1, (Segment("nsc", "x"), Segment("nm", "b")))),
        Connection("b"),
        replace(ASKED, payload="x" * 100_000),
    ],
    ids=["id", "index", "too short", "somebody else before us", "no path", "nonsense"],
)
async def test_an_answer_that_is_not_ours_is_refused_and_closed(wrong: Connection) -> None:
    peer = Answering(answer=wrong)
    with pytest.raises(Invalid, match="spiffe://test/fwd"):
        await AskChannel().bind(Recorder()).request(Call(channel=Way(peer)), Request(ASKED))
    assert peer.heard[-1] == ("close", ASKED)


async def test_without_a_channel_there_is_nobody_to_ask_and_nothing_to_close() -> None:
    handler = AskChannel().bind(Recorder())
    with pytest.raises(Unreachable, match="Dial"):
        await handler.request(Call(), Request(ASKED))
    await handler.close(Call(), ASKED)
