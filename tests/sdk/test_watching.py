"""Interests, one stream a channel, and which news to believe."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from tests.leaving import ending_tasks

from nsm.api.connection import (
    DOWN,
    REFRESH_REQUESTED,
    RESELECT_REQUESTED,
    UP,
    Connection,
    Path,
    Segment,
)
from nsm.api.monitoring import (
    DELETE,
    INITIAL_STATE_TRANSFER,
    UPDATE,
    ConnectionEvent,
    Selector,
)
from nsm.errors import Cancelled, Unimplemented, Unreachable
from nsm.sdk import Call, Life, Peer
from nsm.sdk.clock import LoopClock
from nsm.sdk.listening import LINGER
from nsm.sdk.watching import DOUBT, EARLY, RENEW, Interest, Watching

pytestmark = pytest.mark.looptime

OURS = Connection("nm-1", path=Path(1, (Segment("nsc", "nsc-1"), Segment("nm", "nm-1"))))


def theirs(state: int = UP, index: int = 2, own: str = "nm-1", next: str = "fwd-1") -> Connection:
    """The same connection at the next hop."""
    segments = (Segment("nsc", "nsc-1"), Segment("nm", own), Segment("fwd", next))
    return Connection(next, path=Path(index, segments), state=state)


ANSWER = replace(theirs(), id="nm-1", path=replace(theirs().hops, index=1))
"""What the next hop answered."""


class Hop:
    """A next hop whose monitor says what the test wants; a `Channel` as far as watching goes."""

    def __init__(self, leaf: bytes = b"") -> None:
        self.peer = Peer("spiffe://test/fwd", leaf)
        self.monitor = self
        self.opened = 0
        self.selectors: list[Selector] = []
        self.says: asyncio.Queue[ConnectionEvent | Exception | None] = asyncio.Queue()

    async def watch(self, call: Call, selector: Selector) -> AsyncIterator[ConnectionEvent]:
        self.opened += 1
        self.selectors.append(selector)
        while event := await self.says.get():
            if isinstance(event, Exception):
                raise event
            yield event

    async def say(self, kind: int, conn: Connection) -> None:
        await self.tell(ConnectionEvent(kind, {conn.id: conn}))

    async def tell(self, what: ConnectionEvent | Exception | None) -> None:
        self.says.put_nowait(what)
        for _ in range(5):
            await asyncio.sleep(0)


class Ear:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[int, int] | str] = []

    def heard(self, kind: int, conn: Connection) -> None:
        self.told.append((kind, conn.state))

    def lost(self) -> None:
        self.told.append("lost")


def ear(watching: Watching | None = None) -> tuple[Ear, Interest, Hop]:
    watching = watching or Watching("nm", ending_tasks(), LoopClock())
    listener = Ear()
    return listener, watching.interest(OURS, listener), Hop()


def through(hop: Hop | None, asked: Connection | None = None) -> Life:
    """A life whose last request went that way."""

    async def again(change: object) -> None:
        return None

    life = Life(lambda: None, lambda: None, again)
    life.channel, life.url, life.asked = hop, "unix:///fwd", asked
    return life


async def settled() -> tuple[Ear, Interest, Hop]:
    """An ear whose request has succeeded and been announced."""
    listener, interest, hop = ear()
    interest.expect()
    interest.settle(through(hop), ANSWER)
    await hop.say(UPDATE, theirs())
    listener.told.clear()
    return listener, interest, hop


async def test_the_stream_asks_for_whatever_passed_through_this_program() -> None:
    _, _, hop = await settled()
    assert hop.selectors == [Selector((Segment(name="nm"),))]


async def test_many_interests_share_one_stream() -> None:
    watching, hop = Watching("nm", ending_tasks(), LoopClock()), Hop()
    for number in range(50):
        interest = watching.interest(replace(OURS, id=f"nm-{number}"), Ear())
        interest.expect()
        interest.settle(through(hop), ANSWER)
    await asyncio.sleep(0)
    assert hop.opened == 1


async def test_down_and_delete_are_both_down() -> None:
    listener, _, hop = await settled()
    await hop.say(UPDATE, theirs(DOWN))
    await hop.say(DELETE, theirs(UP))
    assert listener.told == [(UPDATE, DOWN), (UPDATE, DOWN)]


async def test_what_was_asked_for_anew_is_announced_as_up() -> None:
    listener, _, hop = await settled()
    await hop.say(UPDATE, theirs(RESELECT_REQUESTED))
    assert listener.told == [(UPDATE, UP)]


@pytest.mark.parametrize(
    "other",
    [theirs(DOWN, own="nm-2"), theirs(DOWN, index=0), theirs(DOWN, index=7), Connection("x")],
    ids=["other id", "too early", "beyond the path", "no path"],
)
async def test_what_is_not_about_us_is_not_heard(other: Connection) -> None:
    listener, _, hop = await settled()
    await hop.say(UPDATE, other)
    assert listener.told == []


async def test_the_same_segment_later_in_the_path_is_another_hop() -> None:
    listener, _, hop = await settled()
    further = theirs(DOWN)
    path = replace(
        further.hops, index=4, segments=(*further.hops.segments, Segment("nse", "n")) * 2
    )
    await hop.say(UPDATE, replace(further, path=path))
    assert listener.told == []


async def test_an_event_before_the_answer_is_honoured() -> None:
    listener, interest, hop = await settled()
    interest.expect()
    await hop.say(UPDATE, theirs(UP))
    await hop.say(UPDATE, theirs(REFRESH_REQUESTED))
    assert listener.told == []
    interest.settle(through(hop), ANSWER)
    assert listener.told == [(INITIAL_STATE_TRANSFER, UP), (UPDATE, REFRESH_REQUESTED)]


async def test_a_death_before_the_answer_is_honoured() -> None:
    listener, interest, hop = await settled()
    interest.expect()
    await hop.say(UPDATE, theirs(UP))
    await hop.say(UPDATE, theirs(DOWN))
    interest.settle(through(hop), ANSWER)
    assert listener.told[-1] == (UPDATE, DOWN)


async def test_the_echo_of_what_was_closed_to_make_room_is_not_believed() -> None:
    listener, interest, hop = await settled()
    interest.expect()
    await hop.say(DELETE, theirs(UP))
    interest.settle(through(hop), ANSWER)
    await hop.say(UPDATE, theirs(UP))
    await asyncio.sleep(10 * DOUBT)
    assert listener.told == [(INITIAL_STATE_TRANSFER, UP)]


async def test_a_down_that_nothing_follows_is_believed_after_a_moment() -> None:
    listener, interest, hop = await settled()
    interest.expect()
    await hop.say(DELETE, theirs(UP))
    interest.settle(through(hop), ANSWER)
    await asyncio.sleep(DOUBT / 2)
    assert listener.told == []
    await asyncio.sleep(DOUBT)
    assert listener.told == [(UPDATE, DOWN)]


@pytest.mark.parametrize("asking", [False, True])
async def test_the_end_of_a_way_it_had_before_is_not_the_end_of_what_it_has(asking: bool) -> None:
    """Left through the same hop, it may stand there under another id until nobody pays for it."""
    listener, interest, hop = await settled()
    if asking:
        interest.expect()
    await hop.say(DELETE, theirs(next="before"))
    if asking:
        interest.settle(through(hop), ANSWER)
        await hop.say(UPDATE, theirs())
        assert listener.told == [(INITIAL_STATE_TRANSFER, UP)]
    else:
        assert listener.told == []
    await hop.say(DELETE, theirs())
    assert listener.told[-1] == (UPDATE, DOWN)


async def test_no_more_news_is_kept_than_a_connection_can_have_while_it_is_asked_for() -> None:
    listener, interest, hop = await settled()
    interest.expect()
    await hop.say(UPDATE, theirs(REFRESH_REQUESTED))
    for number in range(2 * EARLY):
        await hop.say(UPDATE, theirs(next=f"other-{number}"))
    assert len(interest._early) == EARLY
    interest.settle(through(hop), ANSWER)
    assert listener.told == []


async def test_a_down_in_the_initial_state_is_believed_at_once() -> None:
    listener, interest, hop = ear()
    interest.expect()
    interest.settle(through(hop), ANSWER)
    await hop.say(INITIAL_STATE_TRANSFER, theirs(DOWN))
    assert listener.told == [(UPDATE, DOWN)]


@pytest.mark.parametrize("end", [Unreachable("gone"), None, RuntimeError("odd")])
async def test_the_end_of_the_stream_is_the_loss_of_the_next_hop(end: Exception | None) -> None:
    listener, _, hop = await settled()
    await hop.tell(end)
    assert listener.told == ["lost"]


@pytest.mark.parametrize("end", [Cancelled("do not heal"), Unimplemented("no monitor here")])
async def test_some_ends_say_nothing(end: Exception) -> None:
    listener, interest, hop = await settled()
    await hop.tell(end)
    assert listener.told == []
    interest.expect()
    interest.settle(through(hop), ANSWER)
    await asyncio.sleep(0)
    assert hop.opened == 2


async def test_a_loss_during_a_request_counts_only_if_the_request_fails() -> None:
    listener, interest, hop = await settled()
    interest.expect()
    await hop.tell(None)
    assert listener.told == []
    interest.settle(through(hop), ANSWER)
    assert listener.told == []
    interest.expect()
    await hop.tell(None)
    interest.give_up()
    assert listener.told == ["lost"]


async def test_nobody_hears_anything_after_dropping() -> None:
    listener, interest, hop = await settled()
    interest.drop()
    await hop.say(UPDATE, theirs(DOWN))
    await hop.tell(None)
    assert listener.told == []
    assert interest.watching.interests == {}


async def test_an_idle_stream_lingers_and_then_ends() -> None:
    _, interest, hop = await settled()
    interest.drop()
    await asyncio.sleep(LINGER - 1)
    assert len(interest.watching.streams) == 1
    interest.expect()
    interest.settle(through(hop), ANSWER)
    await asyncio.sleep(2)
    assert (len(interest.watching.streams), hop.opened) == (1, 1)
    interest.drop()
    await asyncio.sleep(LINGER + 1)
    assert (len(interest.watching.streams), len(interest.watching.tasks)) == (0, 0)


async def test_a_connection_that_moved_is_heard_of_at_its_new_hop_only() -> None:
    listener, interest, old = await settled()
    new = Hop()
    interest.expect()
    await old.say(UPDATE, theirs(DOWN))
    interest.settle(through(new), ANSWER)
    await new.say(UPDATE, theirs(UP))
    await old.say(UPDATE, theirs(DOWN))
    await old.tell(None)
    assert listener.told == [(INITIAL_STATE_TRANSFER, UP)]


async def test_a_program_with_two_segments_hears_what_is_said_of_the_second() -> None:
    listener, interest, hop = ear()
    path = Path(2, (*OURS.hops.segments, Segment("nm-client", "second")))
    further = Path(3, (*path.segments, Segment("fwd", "fwd-1")))
    for _ in range(2):
        interest.expect()
        interest.settle(
            through(hop, Connection("second", path=path)), replace(ANSWER, path=further)
        )
        await hop.say(UPDATE, Connection("fwd-1", path=further))
    await hop.say(UPDATE, Connection("fwd-1", path=further, state=DOWN))
    assert listener.told[-1] == (UPDATE, DOWN)
    interest.drop()
    assert interest.watching.interests == {}


async def both(watching: Watching, old: Hop, new: Hop, after: float) -> tuple[Ear, Ear]:
    """Two connections to one program: the second is settled so much later on a newer channel."""
    ears = Ear(), Ear()
    for ear, hop, id in zip(ears, (old, new), ("nm-1", "nm-2"), strict=True):
        interest = watching.interest(replace(OURS, id=id), ear)
        interest.expect()
        interest.settle(through(hop), ANSWER)
        await asyncio.sleep(after)
    return ears


async def test_one_stream_serves_all_channels_to_the_same_program() -> None:
    watching, old, new = Watching("nm", ending_tasks(), LoopClock()), Hop(b"leaf"), Hop(b"leaf")
    first, second = await both(watching, old, new, after=1)
    assert (old.opened, new.opened) == (1, 0)
    await old.say(INITIAL_STATE_TRANSFER, theirs(own="nm-2"))
    await old.say(UPDATE, theirs(DOWN, own="nm-2"))
    assert (first.told, second.told[-1]) == ([], (UPDATE, DOWN))
    await old.tell(None)
    assert (first.told[-1], second.told[-1]) == ("lost", "lost")


async def test_another_certificate_is_another_program() -> None:
    watching, old, new = Watching("nm", ending_tasks(), LoopClock()), Hop(b"leaf"), Hop(b"another")
    await both(watching, old, new, after=1)
    assert (old.opened, new.opened) == (1, 1)


async def test_and_so_is_what_is_shown_another_one_of_ours() -> None:
    watching, old, new = Watching("nm", ending_tasks(), LoopClock()), Hop(b"leaf"), Hop(b"leaf")
    new.peer = replace(new.peer, shown=1)
    await both(watching, old, new, after=1)
    assert (old.opened, new.opened) == (1, 1)


async def test_after_a_while_what_a_newer_channel_tells_of_is_heard_of_there() -> None:
    watching, old, new = Watching("nm", ending_tasks(), LoopClock()), Hop(b"leaf"), Hop(b"leaf")
    first, second = await both(watching, old, new, after=RENEW + 1)
    assert (old.opened, new.opened) == (1, 1)
    assert len(watching.tasks) == 2
    await new.say(INITIAL_STATE_TRANSFER, theirs())
    await asyncio.sleep(1)
    assert len(watching.tasks) == 1
    assert "lost" not in first.told
    await new.say(UPDATE, theirs(DOWN))
    assert first.told[-1] == (UPDATE, DOWN)
    assert second.told == []


async def test_what_a_newer_channel_does_not_tell_of_is_still_lost_with_the_old() -> None:
    watching, old, new = Watching("nm", ending_tasks(), LoopClock()), Hop(b"leaf"), Hop(b"leaf")
    first, _ = await both(watching, old, new, after=RENEW + 1)
    await new.say(INITIAL_STATE_TRANSFER, theirs(own="nm-2"))
    await old.tell(None)
    assert first.told == ["lost"]
