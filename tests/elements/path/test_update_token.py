from dataclasses import replace
from types import SimpleNamespace

import pytest

from nsm.api.connection import Connection, Path, Request, Segment
from nsm.api.timestamp import Timestamp
from nsm.elements.path import UpdateToken
from nsm.errors import Invalid
from nsm.sdk import Call, Life, Peer, Token
from nsm.sdk.clock import LoopClock
from nsm.sdk.testing import FakeTokens, Recorder

pytestmark = pytest.mark.looptime

THEIRS = Token("nsc->nm", Timestamp(7, 123_456_789))
CALL = Call(peer=Peer("nsc"), token=THEIRS)


def conn(at: int, *names: str) -> Connection:
    return Connection("x", path=Path(at, tuple(Segment(name) for name in names)))


async def signed(call: Call, asked: Connection, verb: str) -> tuple[Segment, ...]:
    end = Recorder()
    entry = UpdateToken(FakeTokens("nm", LoopClock(), 600)).bind(end)
    if verb == "request":
        await entry.request(call, Request(asked))
    else:
        await entry.close(call, asked)
    return end.heard[0][1].hops.segments


@pytest.mark.parametrize("verb", ["request", "close"])
async def test_the_asker_and_this_hop_sign_and_nobody_else_is_touched(verb: str) -> None:
    before, asker, own, after = await signed(CALL, conn(2, "a", "nsc", "nm", "fwd"), verb)
    assert (before, after) == (Segment("a"), Segment("fwd"))
    assert asker == Segment("nsc", token="nsc->nm", expires=THEIRS.expires)
    assert own.token == "nm->nsc"
    assert own.expires == Timestamp.at(LoopClock().now() + 600)


async def test_without_a_token_the_askers_segment_stays_as_it_was() -> None:
    asker, own = await signed(Call(peer=Peer("nsc")), conn(1, "nsc", "nm"), "request")
    assert asker == Segment("nsc")
    assert own.token == "nm->nsc"


async def test_the_first_hop_has_nobody_before_it() -> None:
    (own,) = await signed(CALL, conn(0, "nm"), "request")
    assert own.token == "nm->nsc"


async def test_a_path_without_our_segment_is_refused() -> None:
    with pytest.raises(Invalid):
        await signed(CALL, conn(1, "nsc"), "request")


class Shown(FakeTokens):
    """Says by which certificate it signs."""

    def issue(self, audience):
        token = super().issue(audience)
        return replace(token, text=f"{token.text} by {audience.shown}")


async def answered(asker: Peer | None, onward: Peer | None) -> str:
    """How this hop's token for the next reads in the answer to `asker`."""
    life = Life(lambda: None, lambda: None, lambda _: None)
    if onward:
        life.channel = SimpleNamespace(peer=onward)

    class Next(Recorder):
        async def request(self, call, request):
            came = await super().request(call, request)
            segment = replace(came.hops.segments[1], token="nm->fwd by 7")
            return replace(came, path=came.hops.with_segment(1, segment))

    entry = UpdateToken(Shown("nm", LoopClock(), 600)).bind(Next())
    call = Call(peer=asker, token=THEIRS).within(life)
    answer = await entry.request(call, Request(conn(1, "nsc", "nm", "fwd")))
    return answer.hops.segments[1].token


async def test_an_asker_who_was_shown_another_certificate_than_the_next_hop_can_check_us() -> None:
    assert await answered(Peer("nsc", shown=6), Peer("fwd", shown=7)) == "nm->fwd by 6"


async def test_what_the_next_hop_got_is_what_the_asker_gets_otherwise() -> None:
    assert await answered(Peer("nsc", shown=7), Peer("fwd", shown=7)) == "nm->fwd by 7"
    assert await answered(Peer("nsc", shown=6), None) == "nm->fwd by 7"
